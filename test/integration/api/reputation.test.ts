import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonOf, startApi } from './api-fixture.ts';

const PEERS = ['A', 'B', 'C'].map((letter) => `12D3KooW${letter.repeat(44)}`);

test('reputation is listed in pages and shown with its log', async (t) => {
  const { call, services } = await startApi(t);
  const [judged] = services.judged;
  assert.ok(judged !== undefined);
  services.judged = PEERS.map((peer) => ({ ...judged, peer, integrityFailedAt: 7 }));
  const first = jsonOf(await call('/v1/reputation?limit=2'));
  assert.deepEqual(first.peers, services.judged.slice(0, 2));
  assert.deepEqual(first.accusations, { accepted: 1, refused: { known: 2 } });
  const second = jsonOf(await call(`/v1/reputation?limit=2&after=${first.next}`));
  assert.deepEqual([second.peers, second.next], [services.judged.slice(2), undefined]);
  const { signal } = new AbortController();
  const shown = jsonOf(await call(`/v1/reputation/${PEERS[0]}?limit=1`));
  assert.deepEqual(shown, await services.reputation.show(PEERS[0] as string, { limit: 1, signal }));
});

test('a peer that was judged is forgiven, with a reason or without', async (t) => {
  const { call, services } = await startApi(t);
  const [judged] = services.judged;
  assert.ok(judged !== undefined);
  const post = (peer: string, body: unknown) =>
    call(`/v1/reputation/${peer}/forgive`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  assert.deepEqual(jsonOf(await post(judged.peer, { reason: 'a broken disk' })), judged);
  assert.equal((await post(judged.peer, {})).status, 200);
  assert.deepEqual(services.forgiven, [
    [judged.peer, 'a broken disk'],
    [judged.peer, undefined],
  ]);
  assert.equal(jsonOf(await post(PEERS[1] as string, {})).code, 'unknown-peer');
  assert.equal((await post(judged.peer, { reason: 'x'.repeat(257) })).status, 400);
  assert.equal((await post('nobody', {})).status, 400);
});

test('what is no peer id, no page or no token is refused', async (t) => {
  const { call } = await startApi(t);
  for (const path of ['nobody', `${PEERS[0]}x`, '%2e%2e', `${PEERS[0]}?limit=0`, `${PEERS[0]}?before=-1`]) {
    const answer = await call(`/v1/reputation/${path}`);
    assert.deepEqual([answer.status, jsonOf(answer).code], [400, 'invalid-request'], path);
  }
  assert.equal((await call('/v1/reputation?limit=1001')).status, 400);
  assert.equal((await call('/v1/reputation', { headers: { authorization: 'Bearer wrong' } })).status, 401);
});

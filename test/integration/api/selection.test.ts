import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonOf, startApi } from './api-fixture.ts';

const JSON_BODY = { 'content-type': 'application/json' };

test('a peer is banned for a time or for ever, listed, and let in again', async (t) => {
  const { call } = await startApi(t);
  const ban = (body: object) =>
    call('/v1/peers/12D3KooWA/ban', { method: 'POST', headers: JSON_BODY, body: JSON.stringify(body) });
  assert.deepEqual(jsonOf(await ban({ reason: 'slow', seconds: 60 })), {
    peer: '12D3KooWA',
    at: 9,
    until: 60_009,
    reason: 'slow',
  });
  assert.deepEqual(jsonOf(await ban({})), { peer: '12D3KooWA', at: 9 });
  assert.deepEqual(jsonOf(await call('/v1/bans')), { bans: [{ peer: '12D3KooWA', at: 9 }] });
  const shown = jsonOf(await call('/v1/peers/12D3KooWA'));
  assert.deepEqual([shown.reasons, shown.ban], [['banned'], { peer: '12D3KooWA', at: 9 }]);
  const unban = () => call('/v1/peers/12D3KooWA/ban', { method: 'DELETE' });
  assert.equal((await unban()).status, 200);
  const again = await unban();
  assert.deepEqual([again.status, jsonOf(again).code], [404, 'not-banned']);
  assert.deepEqual(jsonOf(await call('/v1/bans')), { bans: [] });
});

test('bad bans are refused before the node is asked', async (t) => {
  const { call, services } = await startApi(t);
  for (const body of [{ seconds: 0 }, { seconds: 1.5 }, { seconds: 1e12 }, { reason: 'x'.repeat(257) }, { until: 1 }]) {
    const call1 = { method: 'POST', headers: JSON_BODY, body: JSON.stringify(body) };
    assert.equal((await call('/v1/peers/12D3KooWA/ban', call1)).status, 400, JSON.stringify(body));
  }
  assert.equal((await call(`/v1/peers/${'x'.repeat(65)}`)).status, 400);
  assert.equal(services.banned.size, 0);
  assert.equal((await call('/v1/peers/12D3KooWB')).status, 404);
});

test('the placement of a file is explained, by default for its first segment', async (t) => {
  const { call, services } = await startApi(t);
  const { root } = services.put(Buffer.from('x'));
  const { signal } = new AbortController();
  assert.deepEqual(
    jsonOf(await call(`/v1/files/${root}/placement`)),
    await services.selection.explain(root, 0, signal),
  );
  assert.equal(jsonOf(await call(`/v1/files/${root}/placement?segment=3`)).segment, 3);
  assert.equal((await call(`/v1/files/${root}/placement?segment=-1`)).status, 400);
});

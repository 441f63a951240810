import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonOf, startApi } from './api-fixture.ts';

const JSON_BODY = { 'content-type': 'application/json' };

test('the log is read in pages, newest first', async (t) => {
  const { call } = await startApi(t);
  const first = jsonOf(await call('/v1/log?limit=1'));
  assert.deepEqual(first.entries[0].data, { method: 'POST', status: 200, ok: true });
  assert.deepEqual([first.entries[0].seq, first.next], [2, 2]);
  const rest = jsonOf(await call(`/v1/log?before=${first.next}`));
  assert.deepEqual([rest.entries[0].seq, rest.next], [1, undefined]);
  for (const query of ['limit=0', 'limit=1001', 'since=-1', 'before=x', 'other=2']) {
    assert.equal((await call(`/v1/log?${query}`)).status, 400, query);
  }
});

test('a verification is told as it is, also a bad one', async (t) => {
  const { call, services } = await startApi(t);
  assert.deepEqual(jsonOf(await call('/v1/log/verification')), services.logVerification);
  services.logVerification = {
    ok: false,
    entries: 3,
    last: { seq: 2, at: 5, head: 'h' },
    problem: { seq: 3, kind: 'missing', detail: 'gone' },
  };
  assert.deepEqual(jsonOf(await call('/v1/log/verification')), services.logVerification);
  assert.equal((await call('/v1/log/verification?head=7')).status, 400);
  assert.match(jsonOf(await call('/v1/log/head')).head, /^2:(ab){32}$/);
});

test('calls that change something are noted with their route and status, reading ones are not', async (t) => {
  const { call, services } = await startApi(t);
  const { root } = services.put(Buffer.from('secret'), { kind: 'file' });
  for (const path of ['/v1/node', '/livez', '/v1/log', `/v1/files/${root}/manifest`]) await call(path);
  await call('/v1/peers/connect', { method: 'POST', headers: JSON_BODY, body: '{"address":"/ip4/192.0.2.7/tcp/1"}' });
  await call('/v1/files?name=secret', {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: 'secret',
  });
  await call(`/v1/files/${root}`, { method: 'DELETE' });
  await call('/v1/nothing', { method: 'POST' });
  const expected = [
    { method: 'POST', route: '/v1/peers/connect', status: 502 },
    { method: 'POST', route: '/v1/files', status: 201 },
    { method: 'DELETE', route: '/v1/files/:root', status: 200 },
  ];
  await services.noted(expected.length);
  assert.deepEqual(services.adminCalls, expected);
});

test('calls without the token are noted once a minute, however many there are', async (t) => {
  const { call, services } = await startApi(t);
  for (let i = 0; i < 5; i++) await call('/v1/shutdown', { method: 'POST', token: 'wrong' });
  await call('/v1/shutdown', { method: 'POST', headers: JSON_BODY, body: '{}' });
  await services.noted(2);
  assert.deepEqual(
    services.adminCalls.map(({ status }) => status),
    [401, 202],
  );
});

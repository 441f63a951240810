import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { jsonOf, startApi } from './api-fixture.ts';

test('requests without the right token are refused, probes and the description are not', async (t) => {
  const { call } = await startApi(t);
  for (const token of [null, 'wrong', 'correct-toke', 'correct-tokenx', '']) {
    const answer = await call('/v1/node', { token });
    assert.equal(answer.status, 401, String(token));
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    assert.equal(answer.headers['www-authenticate'], 'Bearer');
    assert.equal(jsonOf(answer).code, 'unauthorized');
  }
  for (const path of ['/livez', '/readyz', '/openapi.json']) {
    assert.equal((await call(path, { token: null })).status, 200, path);
  }
  assert.equal((await call('/healthz', { token: null })).status, 401);
});

test('a Host header that names another site is refused, also for probes', async (t) => {
  const { call } = await startApi(t, { allowedHosts: ['node.example'] });
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80', 'a b']) {
    const answer = await call('/livez', { headers: { host } });
    assert.equal(answer.status, 403, host);
    assert.equal(jsonOf(answer).code, 'forbidden-host');
  }
  for (const host of ['127.0.0.1:4781', 'localhost', 'LOCALHOST:1', '[::1]:4781', '192.0.2.1', 'node.example:443']) {
    assert.equal((await call('/livez', { headers: { host } })).status, 200, host);
  }
});

test('unknown routes, malformed parameters and oversize bodies are problems with their codes', async (t) => {
  const { call } = await startApi(t);
  const json = { 'content-type': 'application/json' };
  const root = `bafyrei${'a'.repeat(52)}`;
  const cases = [
    { path: '/v1/nothing', status: 404, code: 'no-such-route' },
    { path: '/v1/files/not-a-root', status: 400, code: 'invalid-request' },
    { path: `/v1/files/${root}`, status: 404, code: 'unknown-file' },
    { path: '/v1/files?limit=0', status: 400, code: 'invalid-request' },
    { path: `/v1/files/${root}/health?worst=1001`, status: 400, code: 'invalid-request' },
    { path: `/v1/files/${root}`, headers: { 'holdfast-key': 'short' }, status: 400, code: 'invalid-request' },
    { path: '/v1/peers/connect', method: 'POST', headers: json, body: '{', status: 400, code: 'invalid-request' },
    { path: '/v1/peers/connect', method: 'POST', headers: json, body: '{}', status: 400, code: 'invalid-request' },
    {
      path: '/v1/peers/connect',
      method: 'POST',
      headers: json,
      body: '{"address":"/ip4/192.0.2.1/tcp/1","more":1}',
      status: 400,
      code: 'invalid-request',
    },
    {
      path: '/v1/peers/connect',
      method: 'POST',
      headers: json,
      body: JSON.stringify({ address: `/${'x'.repeat(70_000)}` }),
      status: 413,
      code: 'too-large',
    },
    { path: '/v1/files', method: 'POST', headers: json, body: '{}', status: 415, code: 'unsupported-media-type' },
  ];
  for (const { status, code, path, ...options } of cases) {
    const answer = await call(path, options);
    assert.equal(answer.status, status, path);
    assert.equal(jsonOf(answer).code, code, path);
    assert.equal(jsonOf(answer).status, status);
  }
});

test('headers beyond the bound and broken HTTP are answered as problems and the connection closed', async (t) => {
  const { port } = await startApi(t);
  const exchange = async (bytes: string) => {
    const socket = connect(port, '127.0.0.1');
    socket.write(bytes);
    return text(socket);
  };
  const oversize = await exchange(`GET /livez HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`);
  assert.match(oversize, /^HTTP\/1\.1 431 /);
  assert.match(oversize, /"code":"too-large"/);
  const broken = await exchange('NONSENSE\r\n\r\n');
  assert.match(broken, /^HTTP\/1\.1 400 /);
  assert.match(broken, /"code":"invalid-request"/);
});

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { test } from 'node:test';
import { ApiError } from '../../../node/api/problem.ts';
import { type Answer, jsonOf, startApi, TOKEN } from './api-fixture.ts';

const OCTETS = { 'content-type': 'application/octet-stream' };
const SIZE = 300_000;
const content = randomBytes(SIZE);

function keyOf(link: string): string {
  return link.split('#')[1] ?? '';
}

function lines(answer: Answer) {
  return answer.body
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('a file that was posted comes back byte-identical', async (t) => {
  const { call, services } = await startApi(t);
  const query = 'name=report%20%C3%A9.pdf&code=4%2B2&codeName=gf256&minShards=5&size=300000&sourceId='.concat(
    'ab'.repeat(32),
  );
  const posted = await call(`/v1/files?${query}`, { method: 'POST', headers: OCTETS, body: content });
  assert.equal(posted.status, 201);
  const result = jsonOf(posted);
  assert.equal(result.size, SIZE);
  assert.deepEqual(services.adds, [
    {
      kind: 'file',
      name: 'report é.pdf',
      code: { k: 4, m: 2 },
      codeName: 'gf256',
      minShards: 5,
      size: 300_000,
      sourceId: 'ab'.repeat(32),
    },
  ]);
  const got = await call(`/v1/files/${result.root}`, { headers: { 'holdfast-key': keyOf(result.link) } });
  assert.equal(got.status, 200);
  assert.deepEqual(got.body, content);
  assert.equal(got.headers.etag, `"${result.root}"`);
  assert.equal(got.headers['accept-ranges'], 'bytes');
  assert.equal(got.headers['content-length'], String(SIZE));
  const head = await call(`/v1/files/${result.root}`, { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(head.headers['content-length'], String(SIZE));
  assert.equal(head.body.length, 0);
});

test('an empty body is an empty file', async (t) => {
  const { call } = await startApi(t);
  const { root, link, size } = jsonOf(await call('/v1/files', { method: 'POST', headers: OCTETS, body: '' }));
  assert.equal(size, 0);
  const got = await call(`/v1/files/${root}`, { headers: { 'holdfast-key': keyOf(link) } });
  assert.equal(got.status, 200);
  assert.equal(got.body.length, 0);
  assert.equal(got.complete, true);
});

test('with ndjson the result is the last line, and a failure after the first line a problem', async (t) => {
  const { call, services } = await startApi(t);
  const headers = { ...OCTETS, accept: 'application/x-ndjson' };
  const good = await call('/v1/files', { method: 'POST', headers, body: content });
  assert.equal(good.status, 200);
  assert.equal(lines(good).at(-1).type, 'result');
  assert.equal(lines(good).at(-1).result.size, SIZE);
  services.addFailure = new ApiError('too-few-peers', 'code 4+2 needs 6 peers, 3 are connected', {
    data: { needed: 6, present: 3 },
  });
  const early = await call('/v1/files', { method: 'POST', headers, body: content });
  assert.equal(early.status, 503);
  assert.deepEqual(jsonOf(early).data, { needed: 6, present: 3 });
});

test('progress is reported while the body is still being sent, a failure then ends the lines', async (t) => {
  const { port, services } = await startApi(t);
  const outgoing = request({
    host: '127.0.0.1',
    port,
    path: '/v1/files',
    method: 'POST',
    agent: false,
    headers: { ...OCTETS, accept: 'application/x-ndjson', authorization: `Bearer ${TOKEN}` },
  });
  outgoing.on('error', () => {});
  outgoing.write(content);
  const [response] = await once(outgoing, 'response');
  assert.equal(response.statusCode, 200);
  const [first] = await once(response, 'data');
  const { type, progress } = JSON.parse(String(first).split('\n')[0] ?? '');
  assert.equal(type, 'progress');
  assert.ok(progress.bytes > 0 && progress.bytes <= SIZE);
  // The client goes away: the service must learn that the body will never be complete, and store nothing.
  outgoing.destroy();
  await new Promise<void>((resolve) => {
    const wait = () => (services.aborted > 0 ? resolve() : setImmediate(wait));
    wait();
  });
  assert.equal(services.stored.size, 0);
});

test('options that contradict each other are refused before the body is read', async (t) => {
  const { call, services } = await startApi(t);
  for (const query of [
    'kind=tree',
    'indexLength=5',
    'code=0%2B3',
    'code=60%2B5',
    'code=x',
    'minShards=0',
    'size=-1',
    'sourceId=zz',
  ]) {
    const answer = await call(`/v1/files?${query}`, { method: 'POST', headers: OCTETS, body: content });
    assert.equal(answer.status, 400, query);
    assert.equal(jsonOf(answer).code, 'invalid-request');
  }
  assert.equal(services.adds.length, 0);
});

test('ranges follow RFC 9110', async (t) => {
  const { call, services } = await startApi(t);
  const { root, link } = services.put(content);
  const key = { 'holdfast-key': keyOf(link) };
  const cases = [
    { range: 'bytes=0-0', start: 0, end: 1 },
    { range: 'bytes=100-199', start: 100, end: 200 },
    { range: 'bytes=299999-', start: SIZE - 1, end: SIZE },
    { range: 'bytes=299990-999999', start: 299_990, end: SIZE },
    { range: 'bytes=-10', start: SIZE - 10, end: SIZE },
    { range: 'bytes=-999999', start: 0, end: SIZE },
    { range: 'bytes=65530-131080', start: 65_530, end: 131_081 },
  ];
  for (const { range, start, end } of cases) {
    const answer = await call(`/v1/files/${root}`, { headers: { ...key, range } });
    assert.equal(answer.status, 206, range);
    assert.equal(answer.headers['content-range'], `bytes ${start}-${end - 1}/${SIZE}`);
    assert.deepEqual(answer.body, content.subarray(start, end), range);
  }
  for (const range of ['bytes=300000-', 'bytes=-0', 'bytes=999999-1000000']) {
    const answer = await call(`/v1/files/${root}`, { headers: { ...key, range } });
    assert.equal(answer.status, 416, range);
    assert.equal(answer.headers['content-range'], `bytes */${SIZE}`);
    assert.equal(jsonOf(answer).code, 'range-not-satisfiable');
  }
  for (const range of ['bytes=5-2', 'bytes=0-1,4-5', 'lines=1-2', 'bytes=-', 'bytes=a-b']) {
    const answer = await call(`/v1/files/${root}`, { headers: { ...key, range } });
    assert.equal(answer.status, 200, range);
    assert.equal(answer.body.length, SIZE);
  }
  const stale = await call(`/v1/files/${root}`, { headers: { ...key, range: 'bytes=0-9', 'if-range': '"other"' } });
  assert.equal(stale.status, 200);
  const fresh = await call(`/v1/files/${root}`, { headers: { ...key, range: 'bytes=0-9', 'if-range': `"${root}"` } });
  assert.equal(fresh.status, 206);
  const unchanged = await call(`/v1/files/${root}`, { headers: { ...key, 'if-none-match': `"${root}"` } });
  assert.equal(unchanged.status, 304);
  assert.equal(unchanged.body.length, 0);
});

test('a file without its key, or with a wrong one, is refused', async (t) => {
  const { call, services } = await startApi(t);
  const { root } = services.put(content);
  assert.equal(jsonOf(await call(`/v1/files/${root}`)).code, 'key-required');
  const wrong = { 'holdfast-key': Buffer.alloc(32).toString('base64url') };
  const answer = await call(`/v1/files/${root}`, { headers: wrong });
  assert.equal(answer.status, 403);
  assert.equal(jsonOf(answer).code, 'wrong-key');
  services.keysKnown = true;
  assert.equal((await call(`/v1/files/${root}`)).status, 200);
});

test('a failure before the first byte has its own status', async (t) => {
  const { call, services } = await startApi(t);
  const { root, link } = services.put(content);
  services.failReadAfter = 0;
  const headers = { 'holdfast-key': keyOf(link) };
  const unread = await call(`/v1/files/${root}`, { headers });
  assert.equal(unread.status, 503);
  assert.equal(jsonOf(unread).code, 'not-enough-shards');
  services.openFailure = new ApiError('timeout', 'no holder answered in time');
  const unopened = await call(`/v1/files/${root}`, { headers });
  assert.equal(unopened.status, 504);
  assert.equal(jsonOf(unopened).code, 'timeout');
});

test('a failure in mid-stream never looks like a complete file', async (t) => {
  const { call, services } = await startApi(t);
  const { root, link } = services.put(content);
  services.failReadAfter = 100_000;
  const headers = { 'holdfast-key': keyOf(link) };
  const plain = await call(`/v1/files/${root}`, { headers });
  assert.equal(plain.status, 200);
  assert.equal(plain.complete, false);
  assert.ok(plain.body.length < SIZE);
  const told = await call(`/v1/files/${root}`, { headers: { ...headers, 'holdfast-trailer': '1' } });
  assert.equal(told.headers['holdfast-length'], String(SIZE));
  assert.equal(told.body.length, 100_000);
  const problem = JSON.parse(decodeURIComponent(told.trailers['holdfast-result'] ?? ''));
  assert.equal(problem.code, 'not-enough-shards');
  services.failReadAfter = undefined;
  const whole = await call(`/v1/files/${root}`, { headers: { ...headers, 'holdfast-trailer': '1' } });
  assert.equal(whole.trailers['holdfast-result'], 'ok');
  assert.equal(
    createHash('sha256').update(whole.body).digest('hex'),
    createHash('sha256').update(content).digest('hex'),
  );
});

test('health, manifest, list and release answer exactly what the services say', async (t) => {
  const { call, services } = await startApi(t);
  const roots = [1, 2, 3].map(
    (n) => services.put(Buffer.alloc(n), { kind: 'tree', indexLength: 1, name: `n${n}` }).root,
  );
  const [root = ''] = roots;
  const signal = new AbortController().signal;
  services.verdict = 'lost';
  assert.deepEqual(
    jsonOf(await call(`/v1/files/${root}/health`)),
    await services.files.health(root, { worst: 1, signal }),
  );
  assert.deepEqual(jsonOf(await call(`/v1/files/${root}/manifest`)), await services.files.manifest(root, signal));
  const page = jsonOf(await call('/v1/files?limit=2'));
  assert.deepEqual(page, await services.files.list({ limit: 2 }));
  assert.equal(page.next, roots[1]);
  assert.equal(jsonOf(await call(`/v1/files?limit=2&after=${page.next}`)).files[0].root, roots[2]);
  const released = await call(`/v1/files/${root}`, { method: 'DELETE' });
  assert.deepEqual(jsonOf(released), { root, released: 5, queued: 1 });
  assert.deepEqual(services.released, [root]);
  assert.equal((await call(`/v1/files/${root}`, { method: 'DELETE' })).status, 404);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../../node/api/problem.ts';
import { type Answer, jsonOf, startApi } from './api-fixture.ts';

const NDJSON = { accept: 'application/x-ndjson' };

function lines({ body }: Answer): { type: string }[] {
  const text = body.toString('utf8').trim();
  return text.split('\n').map((line) => JSON.parse(line) as { type: string });
}

test('scrub and leave answer at once or line by line; the last line is the result', async (t) => {
  const { call, services } = await startApi(t);
  const plain = await call('/v1/storage/scrub', { method: 'POST' });
  assert.partialDeepStrictEqual(jsonOf(plain), { checkedShards: 3, damagedShards: 0 });
  const streamed = lines(await call('/v1/storage/scrub', { method: 'POST', headers: NDJSON }));
  assert.partialDeepStrictEqual(streamed.at(-1), { type: 'result', result: { checkedShards: 3 } });

  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ timeoutMs: 5 });
  const left = await call('/v1/node/leave', { method: 'POST', headers: { ...headers, ...NDJSON }, body });
  assert.partialDeepStrictEqual(lines(left).at(-1), { type: 'result', result: { placed: 2, remaining: 0 } });
  assert.deepEqual([services.leaves, services.leaving], [[5], true]);
  assert.equal((await call('/v1/node/leave', { method: 'DELETE' })).status, 200);
  assert.equal(services.leaving, false);
  const bad = JSON.stringify({ timeoutMs: 0 });
  assert.equal((await call('/v1/node/leave', { method: 'POST', headers, body: bad })).status, 400);
});

test('work that fails before its first line keeps its status', async (t) => {
  const { call, services } = await startApi(t);
  Object.assign(services.leave, {
    leave: async () => {
      throw new ApiError('busy', 'a leave is under way: wait for its end');
    },
  });
  const headers = { 'content-type': 'application/json', ...NDJSON };
  const response = await call('/v1/node/leave', { method: 'POST', headers, body: '{}' });
  assert.equal(response.status, 503);
  assert.partialDeepStrictEqual(jsonOf(response), { code: 'busy' });
});

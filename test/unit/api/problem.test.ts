import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, problemOf } from '../../../node/api/problem.ts';

test('an ApiError keeps code, data and causes', () => {
  const cause = new Error('outer', { cause: new Error('inner') });
  const problem = problemOf(
    new ApiError('too-few-peers', 'needs 6, 3 present', { cause, data: { needed: 6, present: 3 } }),
  );
  assert.deepEqual(problem, {
    type: 'urn:holdfast:problem:too-few-peers',
    title: 'Too few peers are connected for this code',
    status: 503,
    detail: 'needs 6, 3 present',
    code: 'too-few-peers',
    data: { needed: 6, present: 3 },
    causes: ['outer', 'inner'],
  });
});

test('anything else is internal, an abort is aborted, and both are bounded', () => {
  assert.equal(problemOf(new Error('x'.repeat(10_000))).detail.length, 2000);
  assert.equal(problemOf('thrown text').code, 'internal');
  assert.equal(problemOf(new DOMException('gone', 'AbortError')).code, 'aborted');
  const endless = new Error('again');
  endless.cause = endless;
  assert.equal(problemOf(endless).causes?.length, 8);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arrivals } from '../../../node/network/arrivals.ts';
import { MAX_ARRIVING, MAX_ARRIVING_BYTES } from '../../../node/network/limits.ts';
import { METHODS } from '../../../protocol/methods.ts';

function arrivals() {
  const made = new Arrivals();
  const evicted: string[] = [];
  const add = (peer: string, method: 'audit' | 'finalize' | 'have' = 'audit') =>
    made.add(method, peer, () => evicted.push(peer));
  return { made, evicted, add };
}

test('a peer has no more requests on the way than may be served for it', () => {
  const { made, add } = arrivals();
  const ends = Array.from({ length: METHODS.audit.maxConcurrentPerPeer }, () => add('a'));
  assert.ok(made.isFull('audit', 'a'));
  assert.ok(!made.isFull('audit', 'b') && !made.isFull('have', 'a'));
  ends[0]?.();
  assert.ok(!made.isFull('audit', 'a'));
});

test('when too many are on the way, the peer that has most of them loses its oldest', () => {
  const { evicted, add } = arrivals();
  add('honest', 'have');
  for (let i = 0; i < MAX_ARRIVING - 3; i++) add(`idle ${i}`, 'have');
  add('greedy', 'have');
  add('greedy', 'have');
  assert.deepEqual(evicted, []);
  add('late', 'have');
  add('later', 'have');
  assert.deepEqual(evicted, ['greedy', 'honest']);
});

test('what requests on the way hold is bounded', () => {
  const { evicted, add } = arrivals();
  const fits = MAX_ARRIVING_BYTES / METHODS.finalize.maxRequestBytes;
  for (let i = 0; i <= fits; i++) add(`p${i}`, 'finalize');
  assert.deepEqual(evicted, ['p0']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EventQueue } from '../../../node/simulation/event-queue.ts';
import { PriorityHeap } from '../../../node/simulation/priority-heap.ts';

test('events come in order of time, and those of one time in the order in which they were put in', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 200 }), (times) => {
      const queue = new EventQueue(1000);
      const expected = times.map((time, i) => ({ time, i })).sort((a, b) => a.time - b.time || a.i - b.i);
      for (const [i, time] of times.entries()) queue.push(time, i % 7, i, -i);
      for (const { time, i } of expected) {
        assert.equal(queue.next(100), true);
        const { kind, subject, token } = queue;
        assert.deepEqual([queue.time, kind, subject, token], [time, i % 7, i, i === 0 ? 0 : -i]);
      }
      assert.equal(queue.next(100), false);
    }),
    { numRuns: 50 },
  );
});

test('puts and takes may alternate, past the first capacity; what is after the end stays', () => {
  const queue = new EventQueue(5000);
  let last = 0;
  for (let round = 0; round < 3000; round++) {
    queue.push(last + ((round * 7919) % 101), 0, round);
    if (round % 2 === 1) {
      assert.ok(queue.next(Number.MAX_VALUE));
      assert.ok(queue.time >= last);
      last = queue.time;
    }
  }
  assert.equal(queue.size, 1500);
  assert.equal(queue.next(last - 1), false);
  assert.equal(queue.size, 1500);
});

test('refuses times that are none, and more events than it may have', () => {
  const queue = new EventQueue(2);
  assert.throws(() => queue.push(Number.NaN, 0, 0), RangeError);
  assert.throws(() => queue.push(Number.POSITIVE_INFINITY, 0, 0), RangeError);
  queue.push(1, 0, 0);
  queue.push(2, 0, 0);
  assert.throws(() => queue.push(3, 0, 0), /more than 2 events/);
});

test('a heap of objects sorts', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { maxLength: 60 }), (values) => {
      const heap = new PriorityHeap<number>((a, b) => a - b);
      for (const value of values) heap.push(value);
      assert.equal(heap.size, values.length);
      assert.deepEqual(
        [...heap.items()].sort((a, b) => a - b),
        [...values].sort((a, b) => a - b),
      );
      const out = values.map(() => heap.pop());
      assert.deepEqual(
        out,
        [...values].sort((a, b) => a - b),
      );
      assert.equal(heap.pop(), undefined);
    }),
  );
});

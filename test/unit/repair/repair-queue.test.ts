import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type QueuedRepair, RepairQueue } from '../../../node/repair/repair-queue.ts';

const repair = (root: string, daysToLoss: number, since = 0): QueuedRepair => ({
  root,
  segment: 0,
  stripes: 1,
  daysToLoss,
  margin: 1,
  since,
});

describe('queue of repairs', () => {
  test('the most endangered first', () => {
    const queue = new RepairQueue();
    for (const [root, days] of [
      ['b', 5],
      ['a', 1],
      ['c', 9],
    ] as const)
      queue.offer(repair(root, days));
    assert.deepEqual(
      [queue.take(), queue.take(), queue.take(), queue.take()].map((one) => one?.root),
      ['a', 'b', 'c', undefined],
    );
  });

  test('what is offered again keeps its place in time, with what is known now', () => {
    const queue = new RepairQueue();
    queue.offer(repair('a', 5, 1));
    queue.offer(repair('a', 2, 9));
    assert.deepEqual(queue.list(), [repair('a', 2, 1)]);
  });

  test('has a limit, and lets go of the least endangered', () => {
    const queue = new RepairQueue();
    for (let i = 0; i < 1100; i++) queue.offer(repair(`root ${i}`, i));
    assert.equal(queue.size, 1024);
    assert.equal(queue.list().at(-1)?.daysToLoss, 1023);
  });
});

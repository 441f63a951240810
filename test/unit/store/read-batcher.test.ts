import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadBatcher } from '../../../node/store/read-batcher.ts';

const key = (n: number) => Uint8Array.of(n);
const value = (n: number) => Uint8Array.of(n, n);

/** A database that holds every key below 100 and fails whatever reads `damaged`. */
function database(damaged: readonly number[] = []) {
  const reads: number[][] = [];
  const batcher = new ReadBatcher(async (keys) => {
    const numbers = keys.map(([n]) => n as number);
    reads.push(numbers);
    const bad = numbers.find((n) => damaged.includes(n));
    if (bad !== undefined) throw new Error(`damaged ${bad}`);
    return numbers.map((n) => (n < 100 ? value(n) : undefined));
  });
  return { batcher, reads };
}

test('reads of one turn go together, a few at a time, and each gets its own answer', async () => {
  const { batcher, reads } = database();
  const numbers = [1, 2, 3, 4, 5, 200, 7, 8, 9];
  const values = await Promise.all(numbers.map((n) => batcher.get(key(n))));
  assert.deepEqual(
    values,
    numbers.map((n) => (n === 200 ? undefined : value(n))),
  );
  assert.deepEqual(reads, [[1, 2, 3, 4], [5, 200, 7, 8], [9]]);
  assert.deepEqual(await batcher.get(key(10)), value(10));
  assert.deepEqual(reads.at(-1), [10]);
});

test('a damaged value fails its own readers alone', async () => {
  const { batcher, reads } = database([2, 4]);
  const settled = await Promise.allSettled([1, 2, 3, 4].map((n) => batcher.get(key(n))));
  assert.deepEqual(
    settled.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.message)),
    [value(1), 'damaged 2', value(3), 'damaged 4'],
  );
  assert.deepEqual(reads, [[1, 2, 3, 4], [1], [2], [3], [4]]);
});

test('a read that fails alone is not tried again, and others go on', async () => {
  const { batcher, reads } = database([6]);
  await assert.rejects(batcher.get(key(6)), { message: 'damaged 6' });
  assert.deepEqual(await batcher.get(key(7)), value(7));
  assert.deepEqual(reads, [[6], [7]]);
});

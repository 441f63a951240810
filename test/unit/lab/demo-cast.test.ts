import assert from 'node:assert/strict';
import { test } from 'node:test';
import { castRoles, pickShard } from '../../../node/lab/demo-cast.ts';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { shardCid } from '../../../protocol/cid.ts';
import type { StoreReceipt } from '../../../protocol/store-receipt.ts';

const nodes = (count: number) => Array.from({ length: count }, (_, i) => ({ number: i + 1 }));
const holders = (dataShards: Record<number, number>) =>
  Object.entries(dataShards).map(([number, count]) => ({ lab: { number: Number(number) }, dataShards: count }));

test('m holders with the most data are stopped, never the owner, never the reader', () => {
  const all = holders({ 2: 3, 3: 5, 4: 1, 5: 4, 6: 2, 7: 6 });
  assert.deepEqual(castRoles(nodes(7), all, 1, 2), { stopped: [7, 3], reader: 4 });
});

test('a node that holds nothing is the better reader', () => {
  const all = holders({ 2: 1, 3: 0, 5: 0 });
  assert.deepEqual(castRoles(nodes(6), all, 1, 2), { stopped: [2, 3], reader: 4 });
});

test('any shard of any receipt may be picked, and no other', () => {
  const segments = [shardCid(new Uint8Array(32).fill(1)), shardCid(new Uint8Array(32).fill(2))] as const;
  const receipts = [
    { segment: segments[0], indices: bitmapOf([0, 9]) },
    { segment: segments[1], indices: bitmapOf([4]) },
  ] as unknown as StoreReceipt[];
  const picked = new Set<string>();
  for (let i = 0; i < 9; i++) {
    const { segment, index } = pickShard({ receipts }, (n) => {
      const bytes = new Uint8Array(n);
      bytes[n - 1] = i;
      return bytes;
    });
    picked.add(`${segments.findIndex((one) => one.equals(segment))}/${index}`);
  }
  assert.deepEqual([...picked].sort(), ['0/0', '0/9', '1/4']);
});

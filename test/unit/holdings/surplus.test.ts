import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type OtherHolder, precedingHolders } from '../../../node/holdings/surplus.ts';
import { bitmapIndices, bitmapOf } from '../../../protocol/bitmap.ts';
import { guardianOrder } from '../../../protocol/guardian-order.ts';
import { cidOf } from '../../helpers/store-home.ts';

const ROOT = cidOf('root');
const key = (n: number) => new Uint8Array(32).fill(n);
const [first, second, third] = guardianOrder(ROOT.bytes, [key(1), key(2), key(3)]) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const holds = (holder: Uint8Array, indices: readonly number[], expiresAt = 0): OtherHolder => ({
  holder,
  indices: bitmapOf(indices),
  expiresAt,
});
const surplus = (self: Uint8Array, indices: readonly number[], others: readonly OtherHolder[]) =>
  indices.filter((index) =>
    precedingHolders(ROOT, self, others).some(({ indices: held }) => bitmapIndices(held).includes(index)),
  );

test('a shard that another keeps until its release is surplus, whoever ranks first', () => {
  assert.deepEqual(surplus(first, [0, 5], [holds(third, [5, 9])]), [5]);
});

test('of two that keep it for a while, the one that ranks first goes on', () => {
  assert.deepEqual(surplus(second, [0, 5], [holds(first, [0], 1)]), [0]);
  assert.deepEqual(surplus(second, [0, 5], [holds(third, [0], 1)]), []);
});

test('nothing is surplus when nobody else answers, or only this node itself', () => {
  assert.deepEqual(surplus(first, [0, 5], []), []);
  assert.deepEqual(surplus(second, [0, 5], [holds(second, [0, 5])]), []);
});

test('whoever holds copies for a while, exactly one of them keeps each shard', () => {
  const copies = fc.array(fc.tuple(fc.nat(200), fc.uniqueArray(fc.nat(5), { minLength: 1 })), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(copies, (drawn) => {
      const holders = [...new Map(drawn.map(([n, indices]) => [n, holds(key(n), indices, 1)])).values()];
      const kept = holders.flatMap((self) => {
        const others = holders.filter((other) => other !== self);
        const indices = bitmapIndices(self.indices);
        const not = surplus(self.holder, indices, others);
        return indices.filter((index) => !not.includes(index));
      });
      const all = new Set(holders.flatMap(({ indices }) => bitmapIndices(indices)));
      assert.deepEqual(kept.sort(), [...all].sort());
    }),
  );
});

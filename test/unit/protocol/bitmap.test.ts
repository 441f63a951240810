import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bitmapCount, bitmapIndices, bitmapOf, isCanonicalBitmap, isSubsetOf } from '../../../protocol/bitmap.ts';

const indices = fc.uniqueArray(fc.nat({ max: 700 }), { maxLength: 60 });

test('the layout is least significant bit first, without trailing zero bytes', () => {
  assert.deepEqual(bitmapOf([]), new Uint8Array(0));
  assert.deepEqual(bitmapOf([0, 9]), Uint8Array.of(1, 2));
  assert.deepEqual(bitmapOf([7, 7]), Uint8Array.of(128));
});

test('a bitmap is a set', () => {
  fc.assert(
    fc.property(indices, (list) => {
      const bitmap = bitmapOf(list);
      const sorted = [...list].sort((a, b) => a - b);
      assert.deepEqual(bitmapIndices(bitmap), sorted);
      assert.equal(bitmapCount(bitmap), list.length);
      assert.ok(isCanonicalBitmap(bitmap, 701));
      assert.equal(isCanonicalBitmap(bitmap, Math.max(-1, ...list)), list.length === 0);
    }),
  );
});

test('subsets', () => {
  fc.assert(
    fc.property(indices, indices, (a, b) => {
      assert.equal(
        isSubsetOf(bitmapOf(a), bitmapOf(b)),
        a.every((i) => b.includes(i)),
      );
    }),
  );
});

test('trailing zero bytes and bad indices are refused', () => {
  assert.equal(isCanonicalBitmap(Uint8Array.of(1, 0), 100), false);
  assert.equal(isCanonicalBitmap(Uint8Array.of(0), 100), false);
  assert.throws(() => bitmapOf([-1]), RangeError);
  assert.throws(() => bitmapOf([0.5]), RangeError);
});

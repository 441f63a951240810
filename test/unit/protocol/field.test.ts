import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bigIntToBytes } from '../../../protocol/bytes.ts';
import { FR_MODULUS, frInverse, frReduce, isCanonical, osToFr } from '../../../protocol/field.ts';

const wide = fc.bigInt({ min: -(2n ** 520n), max: 2n ** 520n });

test('an element is canonical exactly when it is 32 bytes below r', () => {
  assert.equal(isCanonical(bigIntToBytes(FR_MODULUS - 1n, 32)), true);
  assert.equal(isCanonical(bigIntToBytes(FR_MODULUS, 32)), false);
  assert.equal(isCanonical(new Uint8Array(32)), true);
  assert.equal(isCanonical(new Uint8Array(32).fill(0xff)), false);
  assert.equal(isCanonical(new Uint8Array(31)), false);
  assert.equal(isCanonical(new Uint8Array(33)), false);
});

test('reduction yields the one congruent representative in [0, r)', () => {
  fc.assert(
    fc.property(wide, (value) => {
      const reduced = frReduce(value);
      assert.ok(reduced >= 0n && reduced < FR_MODULUS);
      assert.equal((value - reduced) % FR_MODULUS, 0n);
    }),
  );
});

test('an inverse times its element is one; zero has none', () => {
  fc.assert(
    fc.property(wide, (value) => {
      fc.pre(frReduce(value) !== 0n);
      const inverse = frInverse(value);
      assert.ok(inverse > 0n && inverse < FR_MODULUS);
      assert.equal(frReduce(inverse * value), 1n);
    }),
  );
  assert.throws(() => frInverse(0n), RangeError);
  assert.throws(() => frInverse(-FR_MODULUS), RangeError);
});

test('octet strings are read big-endian and reduced', () => {
  assert.equal(osToFr(new Uint8Array()), 0n);
  assert.equal(osToFr(Uint8Array.of(1, 0)), 256n);
  assert.equal(osToFr(bigIntToBytes(FR_MODULUS + 5n, 48)), 5n);
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import fc from 'fast-check';
import { Group } from '../../../node/kzg/group.ts';
import { concat, fromHex, toHex } from '../../../protocol/bytes.ts';
import { FR_MODULUS, frReduce } from '../../../protocol/field.ts';
import { abscissa, compressed, MALFORMED, outsideSubgroup } from '../../helpers/malformed-points.ts';
import { SUITE_POINTS } from '../../helpers/suite-4844.ts';

const { Point } = bls12_381.G1;
const P = Point.Fp.ORDER;
const INFINITY = Buffer.from(`c0${'00'.repeat(47)}`, 'hex');
const group = await Group.create(1000);

const pointOf = (scalar: bigint) => (scalar === 0n ? Point.ZERO : Point.BASE.multiply(scalar));
const encoded = Array.from({ length: 24 }, (_, i) => pointOf(BigInt(i * i + 1)).toBytes(true));

for (const { name, bytes, reason } of MALFORMED) {
  test(`refuses ${name}, and says where`, () => {
    const good = encoded[3] as Uint8Array;
    assert.deepEqual(group.invalid(concat(good, bytes, good)), [1]);
    assert.throws(
      () => group.combine([1n, 1n], concat(good, bytes)),
      (error: Error & { type?: unknown }) => {
        assert.match(error.message, reason);
        assert.equal((error.type as { index: number }).index, 1);
        return true;
      },
    );
    // A coefficient of zero does not excuse a bad point.
    assert.throws(() => group.combine([1n, 0n], concat(good, bytes)), { code: 'invalid-commitment' });
  });
}

interface Answers {
  readonly commitment: string;
  readonly openings: Readonly<Record<string, { readonly y: string; readonly proof: string }>>;
}

const answers = JSON.parse(readFileSync(new URL('../../vectors/kzg-4844.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, Answers>
>;

test('openings of the suite are right, and nothing else is', () => {
  const infinity = new Uint8Array(INFINITY);
  let checked = 0;
  for (const [name, { commitment: hex, openings }] of Object.entries(answers)) {
    const commitment = fromHex(hex);
    for (const [point, { y, proof }] of Object.entries(openings)) {
      const z = SUITE_POINTS[point] as Uint8Array;
      const opens = (c: Uint8Array, value: Uint8Array, p: Uint8Array) => group.opens(c, z, value, p);
      assert.equal(opens(commitment, fromHex(y), fromHex(proof)), true, `${name}, ${point}`);
      assert.equal(opens(commitment, fromHex(y), infinity), proof.startsWith('c0'), `${name}, ${point}`);
      const other = fromHex(y);
      other[31] = (other[31] as number) ^ 1;
      assert.equal(opens(commitment, other, fromHex(proof)), false, `${name}, ${point}`);
      assert.equal(opens(commitment, new Uint8Array(32).fill(0xff), fromHex(proof)), false);
      checked++;
    }
    for (const { bytes } of MALFORMED) {
      const zero = new Uint8Array(32);
      assert.equal(group.opens(bytes, zero, zero, infinity), false);
      assert.equal(group.opens(infinity, zero, zero, bytes), false);
    }
  }
  assert.ok(checked > 10);
});

test('noble gives the same reason for the point outside the subgroup', () => {
  assert.throws(() => Point.fromHex(toHex(outsideSubgroup)), /not in prime-order subgroup/);
});

test('refuses sums of a good point and points outside the subgroup', () => {
  const x = abscissa(5n, true);
  const y = Point.Fp.sqrt(Point.Fp.add(Point.Fp.pow(x, 3n), 4n));
  const outside = Point.fromAffine({ x, y });
  const torsion = [Point.fromAffine({ x: 0n, y: 2n }), outside, outside.double(), outside.add(outside.double())];
  const sums = torsion.map((point) => {
    // Noble encodes members of the subgroup only.
    const sum = point.add(Point.BASE.multiply(77n)).toAffine();
    return compressed(sum.x, sum.y > P >> 1n ? 0xa0 : 0x80);
  });
  assert.deepEqual(group.invalid(concat(...sums)), [0, 1, 2, 3]);
});

test('accepts infinity in its one form', () => {
  assert.deepEqual(group.invalid(INFINITY), []);
  assert.equal(toHex(group.combine([7n], INFINITY)), toHex(INFINITY));
  assert.equal(toHex(group.combine([7n, 3n], concat(INFINITY, encoded[0]!))), pointOf(3n).toHex(true));
});

test('the empty sum, and a sum that cancels, are infinity', () => {
  const point = encoded[5] as Uint8Array;
  assert.equal(toHex(group.combine([], new Uint8Array(0))), toHex(INFINITY));
  assert.equal(toHex(group.combine([5n, -5n], concat(point, point))), toHex(INFINITY));
  assert.equal(toHex(group.combine([FR_MODULUS], point)), toHex(INFINITY));
});

test('combines what noble combines: any signs and sizes, points that repeat', () => {
  const scalar = fc.oneof(
    fc.bigInt({ min: -(1n << 31n), max: 1n << 31n }),
    fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
    fc.bigInt({ min: -FR_MODULUS * 4n, max: FR_MODULUS * 4n }),
    fc.constantFrom(0n, 1n, -1n, FR_MODULUS - 1n, FR_MODULUS, FR_MODULUS >> 1n),
  );
  const terms = fc.array(fc.record({ c: scalar, at: fc.integer({ min: 0, max: encoded.length - 1 }) }), {
    maxLength: 30,
  });
  const property = fc.property(terms, (list) => {
    // The points are (i² + 1)·G: one multiplication gives the expected sum.
    const expected = frReduce(list.reduce((sum, { c, at }) => sum + c * BigInt(at * at + 1), 0n));
    const actual = group.combine(
      list.map(({ c }) => c),
      concat(...list.map(({ at }) => encoded[at] as Uint8Array)),
    );
    assert.equal(toHex(actual), pointOf(expected).toHex(true));
  });
  fc.assert(property, { numRuns: 60 });
});

test('combines more points than one multiplication takes', () => {
  const count = 2500;
  const coefficients = Array.from({ length: count }, (_, i) => (BigInt(i) << 120n) + 1n);
  const points = coefficients.map((_, i) => encoded[i % encoded.length] as Uint8Array);
  const scalars = coefficients.map((c, i) => c * BigInt((i % encoded.length) ** 2 + 1));
  const expected = frReduce(scalars.reduce((sum, value) => sum + value, 0n));
  assert.equal(toHex(group.combine(coefficients, concat(...points))), pointOf(expected).toHex(true));
});

test('a cache smaller than the list changes nothing', async () => {
  const small = await Group.create(3);
  const all = concat(...encoded);
  const ones = encoded.map(() => 1n);
  assert.equal(toHex(small.combine(ones, all)), toHex(group.combine(ones, all)));
  assert.deepEqual(small.invalid(concat(...encoded.slice(0, 4), outsideSubgroup, encoded[0]!)), [4]);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AccumulatorFactory } from '../../../node/kzg/blob-accumulator.ts';
import type { BlobAccumulator, KzgError } from '../../../node/kzg/engine.ts';
import { chooseFamily, type KernelFamily, knownAnswer, MAX_MAP_SIDE } from '../../../node/kzg/field-kernel.ts';
import { LinearMapper } from '../../../node/kzg/linear-map.ts';
import { bigIntToBytes, bytesToBigInt } from '../../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { FR_MODULUS, frReduce } from '../../../protocol/field.ts';

const R = FR_MODULUS;
const FAMILIES: readonly KernelFamily[] = ['fma', 'integer'];
/** The lanes and limbs treat all elements alike: 16 different ones, at every position of a pair, are repeated. */
const PERIOD = 16;

/** Elements at the edges of limbs and of the field, and random ones. */
const element = fc.oneof(
  fc.bigInt({ min: 0n, max: R - 1n }),
  fc.constantFrom(0n, 1n, R - 1n, R - 2n, R >> 1n, (R >> 1n) + 1n, (1n << 204n) - 1n, 1n << 204n, (1n << 254n) - 1n),
  fc.integer({ min: 0, max: 254 }).map((bits) => (1n << BigInt(bits)) - 1n),
);
const coefficient = fc.oneof(
  element,
  element.map((value) => -value),
  fc.bigInt({ min: -(1n << 31n), max: 1n << 31n }),
  fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
  fc.bigInt({ min: -(R * R), max: R * R }),
);
const elements = fc.array(element, { minLength: PERIOD, maxLength: PERIOD });

function blobOf(values: readonly bigint[]): Uint8Array {
  return Buffer.alloc(SHARD_BYTES, Buffer.concat(values.map((value) => bigIntToBytes(value, 32))));
}

function elementAt(blob: Uint8Array, i: number): bigint {
  return bytesToBigInt(blob.subarray(32 * i, 32 * i + 32));
}

function expectedBlob(terms: readonly { c: bigint; values: readonly bigint[] }[]): Uint8Array {
  const sums = Array.from({ length: PERIOD }, (_, i) =>
    frReduce(terms.reduce((sum, { c, values }) => sum + c * (values[i] as bigint), 0n)),
  );
  return blobOf(sums);
}

function assertSame(actual: Uint8Array, expected: Uint8Array): void {
  assert.equal(Buffer.from(actual).equals(expected), true);
}

for (const family of FAMILIES) {
  const factory = new AccumulatorFactory(family);

  describe(`the ${family} family`, () => {
    test('accumulates what BigInt arithmetic gives', () => {
      const terms = fc.array(fc.record({ c: coefficient, values: elements }), { maxLength: 12 });
      const property = fc.property(terms, (list) => {
        const sum = factory.create();
        for (const { c, values } of list) sum.add(c, blobOf(values));
        assertSame(sum.finish(), expectedBlob(list));
      });
      fc.assert(property, { numRuns: 150 });
    });

    test('maps what BigInt arithmetic gives', () => {
      const mapper = new LinearMapper(family);
      const shape = fc.record({ rows: fc.integer({ min: 0, max: 5 }), columns: fc.integer({ min: 0, max: 9 }) });
      const input = shape.chain(({ rows, columns }) =>
        fc.record({
          matrix: fc.array(fc.array(coefficient, { minLength: columns, maxLength: columns }), {
            minLength: rows,
            maxLength: rows,
          }),
          blobs: fc.array(elements, { minLength: columns, maxLength: columns }),
        }),
      );
      const property = fc.property(input, ({ matrix, blobs }) => {
        const out = mapper.map(matrix, blobs.map(blobOf));
        assert.equal(out.length, matrix.length);
        for (const [j, row] of matrix.entries()) {
          const terms = row.map((c, i) => ({ c, values: blobs[i] as bigint[] }));
          assertSame(out[j] as Uint8Array, expectedBlob(terms));
        }
      });
      fc.assert(property, { numRuns: 60 });
    });

    test('maps 64 blobs of r − 1 by the coefficient of most limbs', () => {
      const blobs = Array.from({ length: MAX_MAP_SIDE }, () => blobOf(Array(PERIOD).fill(R - 1n)));
      for (const c of [R >> 1n, (R >> 1n) + 1n, (1n << 153n) - 1n, -((1n << 51n) - 1n)]) {
        const [out] = new LinearMapper(family).map([Array(MAX_MAP_SIDE).fill(c)], blobs);
        assertSame(out as Uint8Array, blobOf(Array(PERIOD).fill(frReduce(-64n * c))));
      }
    });

    test('accumulates far more than one blob a column holds, of the largest numbers', () => {
      // Beyond 16,384, the largest audit, and not a multiple of what the kernel takes between two reductions.
      const count = 16_384 + 77;
      const values = [R - 1n, 0n, 1n, R >> 1n];
      const blob = blobOf(values);
      const sum = factory.create();
      // In turns of one sign, so that columns reach their extremes.
      const coefficients = [R >> 1n, (R >> 1n) + 1n, (1n << 128n) - 1n];
      let total = 0n;
      for (let i = 0; i < count; i++) {
        const c = coefficients[Math.floor(i / 700) % coefficients.length] as bigint;
        total += c;
        sum.add(c, blob);
      }
      assertSame(sum.finish(), blobOf(values.map((value) => frReduce(total * value))));
    });

    test('an empty sum is the zero blob, and a reused kernel starts from zero', () => {
      const first = factory.create();
      first.add(R - 5n, blobOf([R - 1n]));
      first.finish();
      assertSame(factory.create().finish(), new Uint8Array(SHARD_BYTES));
    });

    test('refuses elements of r and more, names the first, and keeps the sum', () => {
      const sum = factory.create();
      sum.add(3n, blobOf([7n]));
      for (const { value, at } of [
        { value: R, at: 0 },
        { value: R + 1n, at: 1 },
        { value: (1n << 256n) - 1n, at: 2047 },
        { value: 1n << 255n, at: 4095 },
        { value: R + (1n << 64n), at: 4094 },
        { value: R + (1n << 192n), at: 9 },
      ]) {
        const blob = blobOf([R - 1n]);
        blob.set(bigIntToBytes(value, 32), 32 * at);
        blob.set(bigIntToBytes(R, 32), 32 * 4095);
        const expected = { code: 'non-canonical-element', type: { code: 'non-canonical-element', element: at } };
        assert.throws(() => sum.add(1n, blob), expected);
      }
      const actual = sum.finish();
      assert.equal(elementAt(actual, 4095), 21n);
      assertSame(actual, blobOf([21n]));
    });
  });
}

test('elements just below r in every word are accepted', () => {
  const sum = new AccumulatorFactory().create();
  const values = [R - 1n, R - (1n << 64n), R - (1n << 128n), R - (1n << 192n)];
  sum.add(1n, blobOf(values));
  assertSame(sum.finish(), blobOf(values));
});

test('a blob of a wrong length is refused', () => {
  const sum: BlobAccumulator = new AccumulatorFactory().create();
  for (const actual of [0, SHARD_BYTES - 1, SHARD_BYTES + 1]) {
    const type = { code: 'invalid-length', expected: SHARD_BYTES, actual };
    assert.throws(
      () => sum.add(1n, new Uint8Array(actual)),
      (error: KzgError) => {
        assert.deepEqual(error.type, type);
        return true;
      },
    );
  }
});

test('a finished accumulator is not usable, even while its kernel serves another', () => {
  const factory = new AccumulatorFactory();
  const first = factory.create();
  first.finish();
  const second = factory.create();
  assert.throws(() => first.add(1n, blobOf([1n])), { code: 'invalid-argument' });
  assert.throws(() => first.finish(), { code: 'invalid-argument' });
  assertSame(second.finish(), new Uint8Array(SHARD_BYTES));
});

test('two accumulators at the same time do not share their sums', () => {
  const factory = new AccumulatorFactory();
  const [a, b] = [factory.create(), factory.create()];
  a.add(2n, blobOf([5n]));
  b.add(3n, blobOf([5n]));
  assertSame(a.finish(), blobOf([10n]));
  assertSame(b.finish(), blobOf([15n]));
});

test('a map of a wrong shape is refused before anything is computed', () => {
  const mapper = new LinearMapper();
  const blob = blobOf([1n]);
  assert.throws(() => mapper.map([[1n]], [blob, blob]), { code: 'invalid-argument' });
  const many = Array.from({ length: MAX_MAP_SIDE + 1 }, () => blob);
  assert.throws(() => mapper.map([many.map(() => 1n)], many), { code: 'invalid-argument' });
  assert.throws(
    () =>
      mapper.map(
        many.map(() => [1n]),
        [blob],
      ),
    { code: 'invalid-argument' },
  );
});

test('a wrong known answer of the fast family, in one bit, makes the exact one the choice', () => {
  const broken = (family: KernelFamily) => {
    const answer = knownAnswer(family);
    if (family === 'fma') answer[SHARD_BYTES - 1] = (answer[SHARD_BYTES - 1] as number) ^ 1;
    return answer;
  };
  assert.equal(chooseFamily(broken), 'integer');
  assert.equal(
    chooseFamily(() => new Uint8Array(32)),
    'fma',
  );
});

test('the known answer is what BigInt arithmetic gives', () => {
  const top = R - 1n;
  let sum = 0n;
  for (const c of [R >> 1n, top / 3n, -(top >> 128n), 12_345n]) sum += c * (top / ((c & 0xffn) | 1n));
  assert.equal(elementAt(knownAnswer('integer'), 0), frReduce(sum));
});

import { bls12_381 } from '@noble/curves/bls12-381.js';
import { bigIntToBytes, fromHex } from '../../protocol/bytes.ts';
import { FIELD_ELEMENT_BYTES, SHARD_BYTES } from '../../protocol/constants.ts';
import { FR_MODULUS } from '../../protocol/field.ts';
import { blobOf, filled } from './edge-blobs.ts';

/*
 * The inputs of the suite that c-kzg-4844 and consensus-spec-tests share (`kzg-mainnet`), made from their definitions:
 * blobs of 128 KiB need not be stored. The answers are in test/vectors/kzg-4844.json.
 */

const { Point } = bls12_381.G1;
export const element = (value: bigint): Uint8Array => bigIntToBytes(value, FIELD_ELEMENT_BYTES);

/** baseⁱ⁺²⁵⁶ mod r at position i. */
function powers(base: bigint): Uint8Array {
  let value = 1n;
  for (let i = 0; i < 256; i++) value = (value * base) % FR_MODULUS;
  return blobOf(() => {
    const current = value;
    value = (value * base) % FR_MODULUS;
    return current;
  });
}

export const SUITE_BLOBS: Readonly<Record<string, Uint8Array>> = {
  zero: filled(0n),
  twos: filled(2n),
  'powers of 2': powers(2n),
  'powers of 3': powers(3n),
  'powers of 5': powers(5n),
  'r − 1 everywhere': filled(FR_MODULUS - 1n),
  'one at 3211': blobOf((i) => (i === 3211 ? 1n : 0n)),
};

/** A root of unity of order 4,096: the second evaluation point of a blob before its bits are reversed. */
export const PRIMITIVE_ROOT = 0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306n;

export const SUITE_POINTS: Readonly<Record<string, Uint8Array>> = {
  zero: element(0n),
  one: element(1n),
  two: element(2n),
  '5^1235': element(power(5n, 1235n)),
  'r − 1': element(FR_MODULUS - 1n),
  'a primitive root': element(PRIMITIVE_ROOT),
};

/** What is no blob, and how it is refused. */
export const INVALID_BLOBS: Readonly<Record<string, { readonly blob: Uint8Array; readonly type: object }>> = {
  'all bits set': {
    blob: new Uint8Array(SHARD_BYTES).fill(0xff),
    type: { code: 'non-canonical-element', element: 0 },
  },
  'r at 2111': {
    blob: blobOf((i) => (i === 2111 ? FR_MODULUS : 0n)),
    type: { code: 'non-canonical-element', element: 2111 },
  },
  'a byte too many': {
    blob: Uint8Array.from([...(SUITE_BLOBS['powers of 2'] as Uint8Array), 0]),
    type: { code: 'invalid-length', expected: SHARD_BYTES, actual: SHARD_BYTES + 1 },
  },
  'a byte too few': {
    blob: (SUITE_BLOBS['powers of 2'] as Uint8Array).subarray(0, SHARD_BYTES - 1),
    type: { code: 'invalid-length', expected: SHARD_BYTES, actual: SHARD_BYTES - 1 },
  },
};

/** What is no field element, and how it is refused as an evaluation point. */
export const INVALID_ELEMENTS: Readonly<Record<string, { readonly bytes: Uint8Array; readonly type: object }>> = {
  r: { bytes: element(FR_MODULUS), type: { code: 'non-canonical-element', element: 0 } },
  'r + 1': { bytes: element(FR_MODULUS + 1n), type: { code: 'non-canonical-element', element: 0 } },
  'all bits set': {
    bytes: new Uint8Array(FIELD_ELEMENT_BYTES).fill(0xff),
    type: { code: 'non-canonical-element', element: 0 },
  },
  'the upper half set': {
    bytes: new Uint8Array(FIELD_ELEMENT_BYTES).fill(0xff, 0, 16),
    type: { code: 'non-canonical-element', element: 0 },
  },
  'a byte too many': { bytes: new Uint8Array(33), type: { code: 'invalid-length', expected: 32, actual: 33 } },
  'a byte too few': { bytes: new Uint8Array(31), type: { code: 'invalid-length', expected: 32, actual: 31 } },
};

export const GENERATOR = Point.BASE.toBytes(true);
const pattern = `8123456789abcdef${'0123456789abcdef'.repeat(5)}`;

/** What is no member of the group. */
export const INVALID_POINTS: Readonly<Record<string, Uint8Array>> = {
  'a byte too few': GENERATOR.subarray(0, 47),
  'a byte too many': Uint8Array.from([...GENERATOR, 0]),
  'off the curve': fromHex(pattern),
  'outside the subgroup': fromHex(`${pattern.slice(0, -1)}0`),
};

/** A proof that is well-formed and wrong. */
export function plusGenerator(proof: Uint8Array): Uint8Array {
  return Point.fromBytes(proof).add(Point.BASE).toBytes(true);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let i = 0n; i < exponent; i++) result = (result * base) % FR_MODULUS;
  return result;
}

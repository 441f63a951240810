import { ELEMENTS_PER_SHARD, FIELD_ELEMENT_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { FR_MODULUS, frReduce } from '../../../protocol/field.ts';
import { blobOf, filled, randomBlob } from '../edge-blobs.ts';
import { element, PRIMITIVE_ROOT } from '../suite-4844.ts';
import type { RandomSource } from './random-source.ts';

/** An input and what kind of input it is. */
export interface Drawn<T> {
  readonly kind: string;
  readonly value: T;
}

type Makers<T> = Readonly<Record<string, (random: RandomSource) => T>>;

export function draw<T>(random: RandomSource, makers: Makers<T>): Drawn<T> {
  const kind = random.pick(Object.keys(makers));
  return { kind, value: (makers[kind] as (random: RandomSource) => T)(random) };
}

/** Widths at which the kernels change limbs: 51 and 26 bits (field), 14 (windows), 32 and 64 (words). */
const WIDTHS = [14, 26, 28, 31, 32, 51, 52, 64, 102, 104, 128, 153, 192, 204, 208, 248, 252, 254];

/** Near a power of two, above or below it. */
const nearPower = (random: RandomSource) => (1n << BigInt(random.pick(WIDTHS))) + BigInt(random.below(5) - 2);

const ELEMENTS: Makers<bigint> = {
  small: (random) => BigInt(random.below(4)),
  'near r': (random) => FR_MODULUS - 1n - BigInt(random.below(4)),
  'near half of r': (random) => (FR_MODULUS >> 1n) + BigInt(random.below(4) - 1),
  'near a limb': nearPower,
  'minus near a limb': (random) => FR_MODULUS - nearPower(random),
  short: (random) => random.integer(random.pick(WIDTHS)),
  'digits of one window': (random) => {
    const digit = BigInt(random.pick([1, 63, 64, 8191, 8192, 8193, 16_383]));
    return Array.from({ length: 18 }).reduce((sum: bigint) => (sum << 14n) | digit, 0n);
  },
  any: (random) => random.integer(256),
};

/** A field element of a kind on which arithmetic may go wrong. */
export function fieldElement(random: RandomSource): bigint {
  return frReduce(draw(random, ELEMENTS).value);
}

const BLOBS: Makers<Uint8Array> = {
  zero: () => filled(0n),
  'one element everywhere': (random) => filled(fieldElement(random)),
  'one element': (random) => sparse(random, 1),
  'few elements': (random) => sparse(random, 2 + random.below(60)),
  'two elements in turn': (random) => periodic(random, 2),
  'opposites in turn': (random) => {
    const value = fieldElement(random);
    return blobOf((i) => (i & 1 ? frReduce(-value) : value));
  },
  periodic: (random) => periodic(random, random.pick([3, 4, 7, 16, 64, 256])),
  'elements at the edges': (random) => {
    const values = random.list(64, () => fieldElement(random));
    const order = random.bytes(ELEMENTS_PER_SHARD);
    return blobOf((i) => values[(order[i] as number) % values.length] as bigint);
  },
  'short elements': (random) => {
    const bits = random.pick(WIDTHS);
    return blobOf(() => random.integer(bits));
  },
  counting: (random) => {
    const [start, step] = [fieldElement(random), fieldElement(random)];
    return blobOf((i) => frReduce(start + step * BigInt(i)));
  },
  'repetitive text': (random) => {
    const text = Buffer.from(random.bytes(1 + random.below(40))).map((byte) => 32 + (byte % 95));
    return new Uint8Array(Buffer.alloc(SHARD_BYTES, text)).map((byte, i) => (i % FIELD_ELEMENT_BYTES ? byte : 0));
  },
  'packed data': (random) => random.bytes(SHARD_BYTES).map((byte, i) => (i % FIELD_ELEMENT_BYTES ? byte : 0)),
  random: (random) => randomBlob((count) => random.bytes(count)),
};

export const blobInput = (random: RandomSource): Drawn<Uint8Array> => draw(random, BLOBS);

function sparse(random: RandomSource, count: number): Uint8Array {
  const blob = new Uint8Array(SHARD_BYTES);
  for (let i = 0; i < count; i++) {
    blob.set(element(fieldElement(random)), random.below(ELEMENTS_PER_SHARD) * FIELD_ELEMENT_BYTES);
  }
  return blob;
}

function periodic(random: RandomSource, period: number): Uint8Array {
  const values = random.list(period, () => fieldElement(random));
  return blobOf((i) => values[i % period] as bigint);
}

/** Where a blob may be opened; roots of unity are the quotient's special case. */
export function openingPoint(random: RandomSource, blob: Uint8Array): Drawn<Uint8Array> {
  return draw<Uint8Array>(random, {
    'a root of unity': () => element(rootOfUnity(random.below(ELEMENTS_PER_SHARD))),
    'zero, one or −1': () => element(random.pick([0n, 1n, FR_MODULUS - 1n])),
    'an edge element': () => element(fieldElement(random)),
    'an element of the blob': () => {
      const at = random.below(ELEMENTS_PER_SHARD) * FIELD_ELEMENT_BYTES;
      return blob.slice(at, at + FIELD_ELEMENT_BYTES);
    },
    'any point': () => element(frReduce(random.integer(256))),
  });
}

function rootOfUnity(exponent: number): bigint {
  let [result, base] = [1n, PRIMITIVE_ROOT];
  for (let rest = exponent; rest > 0; rest >>= 1) {
    if (rest & 1) result = (result * base) % FR_MODULUS;
    base = (base * base) % FR_MODULUS;
  }
  return result;
}

const signed = (random: RandomSource, value: bigint) => (random.below(2) === 0 ? value : -value);

const COEFFICIENTS: Makers<(random: RandomSource) => bigint> = {
  'tiny coefficients': () => (random) => BigInt(random.below(5) - 2),
  'coefficients near a limb': () => (random) => signed(random, nearPower(random)),
  'short coefficients': (first) => {
    const bits = first.pick([8, 20, 31, 40, 50, 51, 52, 53]);
    return (random) => signed(random, random.integer(bits));
  },
  'coefficients of 128 bits': () => (random) => signed(random, random.integer(128)),
  'coefficients of 255 bits': () => (random) => signed(random, frReduce(random.integer(256))),
  'coefficients around r and half of r': () => (random) =>
    signed(random, random.pick([FR_MODULUS, FR_MODULUS >> 1n]) + BigInt(random.below(5) - 2)),
  'coefficients of several lengths': () => (random) => signed(random, random.integer(1 + random.below(300))),
};

/** One kind of coefficient, drawn as often as wanted. */
export function coefficientInput(random: RandomSource): Drawn<() => bigint> {
  const { kind, value } = draw(random, COEFFICIENTS);
  return { kind, value: () => value(random) };
}

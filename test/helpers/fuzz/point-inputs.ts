import { bls12_381 } from '@noble/curves/bls12-381.js';
import { bigIntToBytes, toHex } from '../../../protocol/bytes.ts';
import { FR_MODULUS, frReduce } from '../../../protocol/field.ts';
import { abscissa, compressed } from '../malformed-points.ts';
import { type Drawn, draw, fieldElement } from './field-inputs.ts';
import type { RandomSource } from './random-source.ts';

const { Point } = bls12_381.G1;
type G1 = typeof Point.BASE;
const P = Point.Fp.ORDER;

/** The curve has 3·(11·10177·859267·52437899)²·r points; outside the group, orders divide 1 − x for the curve's parameter x. */
const EXPONENT = 0xd201000000010001n;
const SMALL_ORDERS = [3n, 11n, 10_177n, 859_267n, 52_437_899n];

/** [r]Q for a point Q of the whole curve: it has a part in every small subgroup. Scalars of the library are below r. */
const torsion = (() => {
  const x = abscissa(5n, true);
  const q = Point.fromAffine({ x, y: Point.Fp.sqrt(Point.Fp.create(x ** 3n + 4n)) });
  return q.multiplyUnsafe(FR_MODULUS - 1n).add(q);
})();
const SMALL_POINTS = SMALL_ORDERS.map((order) => torsion.multiplyUnsafe(EXPONENT / order));

const INFINITY = Uint8Array.from({ length: 48 }, (_, i) => (i === 0 ? 0xc0 : 0));
const multiple = (scalar: bigint) => (scalar === 0n ? Point.ZERO : Point.BASE.multiplyUnsafe(scalar));

/** Compressed, also when it is not in the group. */
function bytesOf(point: G1): Uint8Array {
  if (point.is0()) return INFINITY;
  const { x, y } = point.toAffine();
  return compressed(x, y > P >> 1n ? 0xa0 : 0x80);
}

const known = Array.from({ length: 32 }, (_, i) => multiple((BigInt(i) + 3n) ** 40n % FR_MODULUS));

/** A member of the group. */
export function memberInput(random: RandomSource, before: readonly Uint8Array[]): Drawn<Uint8Array> {
  return draw<Uint8Array>(random, {
    infinity: () => INFINITY,
    generator: () => bytesOf(Point.BASE),
    'minus generator': () => bytesOf(Point.BASE.negate()),
    'a known point': () => bytesOf(random.pick(known)),
    'a multiple': () => bytesOf(multiple(fieldElement(random))),
    'a point again': () => (before.length === 0 ? INFINITY : random.pick(before)),
    'minus a point': () => negative(before.length === 0 ? INFINITY : random.pick(before)),
  });
}

function negative(bytes: Uint8Array): Uint8Array {
  const sign = bytes[0] === 0xc0 ? 0 : 0x20;
  return bytes.with(0, (bytes[0] as number) ^ sign);
}

/** 48 bytes that look like a point; most are not in the group. */
export function encodingInput(random: RandomSource): Drawn<Uint8Array> {
  return draw<Uint8Array>(random, {
    'a member': () => memberInput(random, []).value,
    'a point of small order': () => bytesOf(random.pick(SMALL_POINTS)),
    'a member plus a point of small order': () => bytesOf(random.pick(known).add(random.pick(SMALL_POINTS))),
    'a member plus a point of order 1 − x': () => bytesOf(random.pick(known).add(torsion)),
    'x at random': () => compressed(BigInt.asUintN(381, random.integer(381)), random.pick([0x80, 0xa0])),
    'small x': () => compressed(BigInt(random.below(64)), random.pick([0x80, 0xa0])),
    'x of p or more': () => compressed(P + (random.integer(378) % ((1n << 381n) - P)), random.pick([0x80, 0xa0])),
    'x near p': () => compressed(P - 2n + BigInt(random.below(5)), random.pick([0x80, 0xa0])),
    'other flags': () => random.pick(known).toBytes(true).with(0, random.below(256)),
    'a flipped bit': () => {
      const bytes = bytesOf(random.pick(known));
      const at = random.below(bytes.length);
      return bytes.with(at, (bytes[at] as number) ^ (1 << random.below(8)));
    },
    'infinity with a stray bit': () => {
      const at = random.below(INFINITY.length);
      return INFINITY.with(at, (INFINITY[at] as number) | (1 << random.below(8)));
    },
    'no compression': () => bigIntToBytes(BigInt.asUintN(376, random.integer(376)), 48),
  });
}

/** The definition: canonical, on the curve, of order r (or infinity). */
export function isMember(bytes: Uint8Array): boolean {
  if (Buffer.compare(bytes, INFINITY) === 0) return true;
  if (((bytes[0] as number) & 0xc0) !== 0x80) return false;
  try {
    const point = Point.fromHex(toHex(bytes));
    point.assertValidity();
    return Buffer.compare(point.toBytes(true), bytes) === 0;
  } catch {
    return false;
  }
}

/** The definition: Σ cᵢ·Cᵢ over members of the group. */
export function sumOfPoints(coefficients: readonly bigint[], points: readonly Uint8Array[]): Uint8Array {
  const terms = points.map((bytes, i) => {
    const scalar = frReduce(coefficients[i] ?? 0n);
    const infinite = Buffer.compare(bytes, INFINITY) === 0;
    return infinite || scalar === 0n ? Point.ZERO : Point.fromHex(toHex(bytes)).multiplyUnsafe(scalar);
  });
  return bytesOf(terms.reduce((sum, term) => sum.add(term), Point.ZERO));
}

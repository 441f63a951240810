import { bls12_381 } from '@noble/curves/bls12-381.js';
import { bigIntToBytes } from '../../protocol/bytes.ts';

const { Point } = bls12_381.G1;
const P = Point.Fp.ORDER;

/** A compressed point with this x coordinate and these flags, whatever it decodes to. */
export function compressed(x: bigint, flags: number): Uint8Array {
  const bytes = bigIntToBytes(x, 48);
  bytes[0] = (bytes[0] as number) | flags;
  return bytes;
}

/** Smallest x from `from` on for which x³ + 4 is (or is not) a square. */
export function abscissa(from: bigint, onCurve: boolean): bigint {
  for (let x = from; ; x++) {
    const square = Point.Fp.pow(Point.Fp.add(Point.Fp.pow(x, 3n), 4n), (P - 1n) / 2n) === 1n;
    if (square === onCurve) return x;
  }
}

/** On the curve and canonical, but without the cofactor cleared: not in the subgroup. */
export const outsideSubgroup = compressed(abscissa(5n, true), 0x80);

/** Encodings that no one may take for a commitment. */
export const MALFORMED: readonly { readonly name: string; readonly bytes: Uint8Array; readonly reason: RegExp }[] = [
  { name: 'zero bytes', bytes: new Uint8Array(48), reason: /compression/ },
  { name: 'no compression flag', bytes: compressed(abscissa(5n, true), 0), reason: /compression/ },
  { name: 'a flag of infinity alone', bytes: compressed(0n, 0x40), reason: /compression/ },
  { name: 'infinity with the sign bit', bytes: compressed(0n, 0xe0), reason: /stray bits/ },
  { name: 'infinity with a last bit', bytes: compressed(1n, 0xc0), reason: /stray bits/ },
  { name: 'infinity with a bit beside the flags', bytes: compressed(1n << 376n, 0xc0), reason: /stray bits/ },
  { name: 'infinity flag on a point', bytes: compressed(abscissa(5n, true), 0xc0), reason: /stray bits/ },
  { name: 'x off the curve', bytes: compressed(abscissa(5n, false), 0x80), reason: /no point of the curve/ },
  { name: 'x = p', bytes: compressed(P, 0x80), reason: /canonical|no point/ },
  {
    name: 'x = p + 5 or so, on the curve',
    bytes: compressed(P + abscissa(5n, true), 0x80),
    reason: /canonical|no point/,
  },
  { name: 'x of all ones', bytes: compressed((1n << 381n) - 1n, 0xa0), reason: /canonical|no point/ },
  { name: 'outside the subgroup', bytes: outsideSubgroup, reason: /subgroup/ },
  { name: 'the negative of it', bytes: compressed(abscissa(5n, true), 0xa0), reason: /subgroup/ },
  { name: 'a point of order three: x = 0', bytes: compressed(0n, 0x80), reason: /subgroup/ },
];

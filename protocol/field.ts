import { bytesToBigInt, compareBytes, fromHex } from './bytes.ts';
import { FIELD_ELEMENT_BYTES } from './constants.ts';

/** Order r of the scalar field Fr of BLS12-381. */
export const FR_MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;

const modulusBytes = fromHex(FR_MODULUS.toString(16));

/** Whether 32 big-endian bytes are an element of Fr (< r). Any other length is not. */
export function isCanonical(element: Uint8Array): boolean {
  return element.length === FIELD_ELEMENT_BYTES && compareBytes(element, modulusBytes) < 0;
}

/** The representative of an integer of any sign in [0, r). */
export function frReduce(value: bigint): bigint {
  const rest = value % FR_MODULUS;
  return rest < 0n ? rest + FR_MODULUS : rest;
}

/** OS2IP(bytes) mod r: big-endian bytes of any length to an element. */
export function osToFr(bytes: Uint8Array): bigint {
  return bytesToBigInt(bytes) % FR_MODULUS;
}

/** The inverse of an integer modulo r, by the extended Euclidean algorithm. @throws RangeError for a multiple of r. */
export function frInverse(value: bigint): bigint {
  let [rest, next] = [FR_MODULUS, frReduce(value)];
  let [factor, nextFactor] = [0n, 1n];
  if (next === 0n) throw new RangeError('zero has no inverse in Fr');
  while (next !== 0n) {
    const quotient = rest / next;
    [rest, next] = [next, rest - quotient * next];
    [factor, nextFactor] = [nextFactor, factor - quotient * nextFactor];
  }
  return frReduce(factor);
}

import { FR_MODULUS, frReduce } from '../../protocol/field.ts';

/** The representative of `value` mod r that is smallest in magnitude: −(r−1)/2 … (r−1)/2. */
export function centred(value: bigint): bigint {
  const reduced = frReduce(value);
  return reduced > FR_MODULUS >> 1n ? reduced - FR_MODULUS : reduced;
}

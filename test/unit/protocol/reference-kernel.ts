import { bls12_381 } from '@noble/curves/bls12-381.js';
import { bigIntToBytes, bytesToBigInt } from '../../../protocol/bytes.ts';
import type { FrKernel } from '../../../protocol/codes/fr-lagrange.ts';
import { FIELD_ELEMENT_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { frReduce } from '../../../protocol/field.ts';

/** The definition, element by element with BigInt, and an independent curve library: what fast kernels must equal. */
export const referenceKernel: FrKernel = {
  async linearMap(rows, blobs) {
    const values = blobs.map(elements);
    return rows.map((row) => {
      const out = new Uint8Array(SHARD_BYTES);
      for (let e = 0; e * FIELD_ELEMENT_BYTES < SHARD_BYTES; e++) {
        const sum = frReduce(row.reduce((total, c, i) => total + c * (values[i]?.[e] ?? 0n), 0n));
        if (sum !== 0n) out.set(bigIntToBytes(sum, FIELD_ELEMENT_BYTES), e * FIELD_ELEMENT_BYTES);
      }
      return out;
    });
  },
  async combineCommitments(coefficients, commitments) {
    let sum = bls12_381.G1.Point.ZERO;
    for (const [i, bytes] of commitments.entries()) {
      const point = bls12_381.G1.Point.fromBytes(bytes);
      point.assertValidity();
      const c = frReduce(coefficients[i] ?? 0n);
      if (c !== 0n) sum = sum.add(point.multiply(c));
    }
    return sum.toBytes(true);
  },
};

const ZERO = '00'.repeat(FIELD_ELEMENT_BYTES);

function elements(blob: Uint8Array): bigint[] {
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.length);
  return Array.from({ length: blob.length / FIELD_ELEMENT_BYTES }, (_, e) => {
    const hex = bytes.toString('hex', e * FIELD_ELEMENT_BYTES, (e + 1) * FIELD_ELEMENT_BYTES);
    return hex === ZERO ? 0n : bytesToBigInt(bytes.subarray(e * FIELD_ELEMENT_BYTES, (e + 1) * FIELD_ELEMENT_BYTES));
  });
}

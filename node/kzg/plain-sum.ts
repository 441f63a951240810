import { bigIntToBytes } from '../../protocol/bytes.ts';
import { ELEMENTS_PER_SHARD, FIELD_ELEMENT_BYTES, SHARD_BYTES } from '../../protocol/constants.ts';
import { FR_MODULUS, frReduce, isCanonical, osToFr } from '../../protocol/field.ts';
import { assertBlob, nonCanonicalElement } from './checks.ts';
import { type BlobAccumulator, KzgError } from './engine.ts';
import { assertMap, type BlobMapper } from './linear-map.ts';

/** Σ cᵢ·blobᵢ in plain integers, about 3 ms a blob: where the field kernel does not load. */
export class PlainSum implements BlobAccumulator {
  #sum: bigint[] | undefined = new Array<bigint>(ELEMENTS_PER_SHARD).fill(0n);

  add(coefficient: bigint, blob: Uint8Array): void {
    const sum = this.#open();
    const elements = elementsOf(blob);
    const factor = frReduce(coefficient);
    for (let i = 0; i < ELEMENTS_PER_SHARD; i++) {
      sum[i] = ((sum[i] as bigint) + factor * (elements[i] as bigint)) % FR_MODULUS;
    }
  }

  finish(): Uint8Array<ArrayBuffer> {
    const sum = this.#open();
    this.#sum = undefined;
    const out = new Uint8Array(SHARD_BYTES);
    for (const [i, value] of sum.entries()) {
      out.set(bigIntToBytes(value, FIELD_ELEMENT_BYTES), i * FIELD_ELEMENT_BYTES);
    }
    return out;
  }

  #open(): bigint[] {
    if (this.#sum !== undefined) return this.#sum;
    throw new KzgError({ code: 'invalid-argument' }, 'this accumulator has finished: create another one');
  }
}

/** outⱼ = Σ rows[j][i]·blobᵢ, 3 ms for each blob and row. */
export const plainMapper: BlobMapper = {
  map(rows: readonly (readonly bigint[])[], blobs: readonly Uint8Array[]): Uint8Array<ArrayBuffer>[] {
    assertMap(rows, blobs);
    for (const blob of blobs) elementsOf(blob);
    return rows.map((row) => {
      const sum = new PlainSum();
      for (const [i, blob] of blobs.entries()) sum.add(row[i] as bigint, blob);
      return sum.finish();
    });
  },
  assertCanonical(blob: Uint8Array): void {
    elementsOf(blob);
  },
};

/** @throws KzgError `invalid-length` | `non-canonical-element` */
function elementsOf(blob: Uint8Array): bigint[] {
  assertBlob(blob);
  return Array.from({ length: ELEMENTS_PER_SHARD }, (_, element) => {
    const bytes = blob.subarray(element * FIELD_ELEMENT_BYTES, (element + 1) * FIELD_ELEMENT_BYTES);
    if (isCanonical(bytes)) return osToFr(bytes);
    throw nonCanonicalElement(element);
  });
}

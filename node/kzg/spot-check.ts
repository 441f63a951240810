import { ELEMENTS_PER_SHARD, FIELD_ELEMENT_BYTES } from '../../protocol/constants.ts';
import { frReduce, osToFr } from '../../protocol/field.ts';
import type { RandomBytes } from '../random.ts';
import type { BlobAccumulator } from './engine.ts';

/**
 * Linear maps are checked at one element of one row in every call: k products of integers, 1 µs each, beside 16 µs per
 * blob and row. A kernel that computes wrong everywhere is found at once, one wrong in a share s of its elements after
 * about 1/s calls.
 */
export function wrongElement(
  random: RandomBytes,
  rows: readonly (readonly bigint[])[],
  blobs: readonly Uint8Array[],
  results: readonly Uint8Array[],
): string | undefined {
  if (results.length !== rows.length) return `a linear map of ${rows.length} rows gave ${results.length}`;
  if (rows.length === 0) return undefined;
  const j = below(random, rows.length);
  const position = below(random, ELEMENTS_PER_SHARD);
  const row = rows[j] as readonly bigint[];
  const sum = blobs.reduce((total, blob, i) => total + (row[i] as bigint) * elementOf(blob, position), 0n);
  const result = results[j] as Uint8Array;
  return elementOf(result, position) === frReduce(sum) ? undefined : 'a linear map differs from plain arithmetic';
}

/** One in 16 sums is followed: 1.5 µs for every blob of 16 µs, 0.6 % over all. */
const FOLLOWED_SHARE = 16;

/** The accumulator, perhaps with one element followed in plain arithmetic; `onWrong` throws. */
export function followed(sum: BlobAccumulator, random: RandomBytes, onWrong: () => never): BlobAccumulator {
  if (below(random, FOLLOWED_SHARE) !== 0) return sum;
  const position = below(random, ELEMENTS_PER_SHARD);
  let expected = 0n;
  return {
    add(coefficient, blob) {
      sum.add(coefficient, blob);
      expected = frReduce(expected + coefficient * elementOf(blob, position));
    },
    finish() {
      const result = sum.finish();
      return elementOf(result, position) === expected ? result : onWrong();
    },
  };
}

/** Below `limit` ≤ 4,096: 65,536 is nearly a multiple of all that are asked for. */
function below(random: RandomBytes, limit: number): number {
  const [high = 0, low = 0] = random(2);
  return (high * 256 + low) % limit;
}

function elementOf(blob: Uint8Array, position: number): bigint {
  const at = position * FIELD_ELEMENT_BYTES;
  return osToFr(blob.subarray(at, at + FIELD_ELEMENT_BYTES));
}

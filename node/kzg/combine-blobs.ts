import { assertSameLength } from './checks.ts';
import type { BlobAccumulator } from './engine.ts';
import { nextTurn } from './next-turn.ts';

/** Blobs combined between two turns of the event loop: about a millisecond. */
const BLOBS_PER_TURN = 16;

/** Σ cᵢ·blobᵢ in a fresh accumulator. @throws KzgError `invalid-argument` and what `add` throws */
export async function combineBlobs(
  create: () => BlobAccumulator,
  coefficients: readonly bigint[],
  blobs: readonly Uint8Array[],
  signal?: AbortSignal,
): Promise<Uint8Array> {
  assertSameLength(coefficients, blobs);
  const sum = create();
  for (const [i, blob] of blobs.entries()) {
    signal?.throwIfAborted();
    sum.add(coefficients[i] as bigint, blob);
    if (i % BLOBS_PER_TURN === BLOBS_PER_TURN - 1) await nextTurn();
  }
  return sum.finish();
}

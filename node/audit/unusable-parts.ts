import type { CID } from 'multiformats/cid';
import { isNoPoint, type KzgEngine } from '../kzg/engine.ts';
import { cidName } from '../manifest/segment-directory.ts';
import { WeightedCache } from '../weighted-cache.ts';
import type { Selection } from './selection.ts';

/** Segments that are remembered; of those beyond, one is found out again. */
const REMEMBERED = 4096;

/** Segments whose owner signed for commitments that are no points: nobody can prove anything about them. */
export class UnusableParts {
  readonly #parts = new WeightedCache<true>(REMEMBERED);

  add(root: CID, segment: CID): void {
    this.#parts.set(nameOf(root, segment), true, 1);
  }

  has(root: CID, segment: CID): boolean {
    return this.#parts.size > 0 && this.#parts.get(nameOf(root, segment)) !== undefined;
  }
}

/** The entries of a selection some of whose commitments are no points, or cannot be derived for that reason. */
export async function entriesWithoutPoints(
  { parts }: Selection,
  engine: Pick<KzgEngine, 'invalidCommitments'>,
  signal?: AbortSignal,
): Promise<number[]> {
  const found = new Set<number>();
  const commitments: { readonly entry: number; readonly commitment: Uint8Array }[] = [];
  for (const [entry, { segment, indices }] of parts.entries()) {
    try {
      for (const index of indices) commitments.push({ entry, commitment: await segment.commitment(index, signal) });
    } catch (error) {
      if (!isNoPoint(error)) throw error;
      found.add(entry);
    }
  }
  const bad = await engine.invalidCommitments(
    commitments.map(({ commitment }) => commitment),
    signal,
  );
  for (const i of bad) found.add((commitments[i] as { readonly entry: number }).entry);
  return [...found];
}

function nameOf(root: CID, segment: CID): string {
  return `${cidName(root)}${cidName(segment)}`;
}

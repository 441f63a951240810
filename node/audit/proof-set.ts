import type { CID } from 'multiformats/cid';
import { AuditError } from '../../protocol/audit-error.ts';
import type { AuditedPart } from '../../protocol/audit-set.ts';
import { bitmapCount, bitmapIndices, bitmapOf } from '../../protocol/bitmap.ts';
import { compareBytes, equalBytes, toHex } from '../../protocol/bytes.ts';
import { StructureError } from '../../protocol/cbor.ts';
import { MAX_AUDIT_SHARDS } from '../../protocol/constants.ts';
import type { LoadedSegment } from '../manifest/loaded-segment.ts';
import { isDamagedRecord } from '../store/errors.ts';

interface ProofItem {
  readonly id: Uint8Array;
  readonly commitment: Uint8Array;
}

interface ProofEntry {
  readonly indices: readonly number[];
  /** Parallel to `indices`. */
  readonly ids: readonly Uint8Array[];
}

/**
 * The set of one challenge as its prover needs it. Segments are looked at one after the other and not held: whoever
 * asks chooses how many there are, up to 2,048 of half a megabyte each.
 */
export class ProofSet {
  /** Ascending by id, unique. */
  readonly items: readonly ProofItem[];
  readonly #entries: readonly ProofEntry[];

  private constructor(entries: readonly ProofEntry[], items: readonly ProofItem[]) {
    this.#entries = entries;
    this.items = items;
  }

  /**
   * Returns the positions of the parts whose segments are not kept here, or cannot be read, instead, if there are any.
   * @throws AuditError too-many-shards, unknown-shard; the signal's reason.
   */
  static async load(
    parts: readonly AuditedPart[],
    segments: { load(root: CID, segment: CID, indices: readonly number[]): Promise<LoadedSegment | undefined> },
    signal: AbortSignal,
  ): Promise<ProofSet | { readonly unknown: readonly number[] }> {
    const shards = parts.reduce((sum, { indices }) => sum + bitmapCount(indices), 0);
    if (shards > MAX_AUDIT_SHARDS) {
      const type = { code: 'too-many-shards', shards } as const;
      throw new AuditError(type, `an audit covers at most ${MAX_AUDIT_SHARDS} shards`);
    }
    const entries: ProofEntry[] = [];
    const items: ProofItem[] = [];
    const unknown: number[] = [];
    for (const [entry, { root, segment, indices }] of parts.entries()) {
      signal.throwIfAborted();
      const wanted = bitmapIndices(indices);
      const loaded = await readable(segments.load(root, segment, wanted));
      if (loaded === undefined) {
        unknown.push(entry);
        continue;
      }
      const ids: Uint8Array[] = [];
      for (const index of wanted) {
        // Copies: a view would hold the stripe.
        const id = loaded.shardId(index)?.slice();
        if (id === undefined) throw unknownShard(entry, index, segment);
        ids.push(id);
        items.push({ id, commitment: (await loaded.commitment(index, signal)).slice() });
      }
      entries.push({ indices: wanted, ids });
    }
    if (unknown.length > 0) return { unknown };
    items.sort((a, b) => compareBytes(a.id, b.id));
    const unique = items.filter(({ id }, i) => i === 0 || !equalBytes(id, (items[i - 1] as ProofItem).id));
    return new ProofSet(entries, unique);
  }

  /** One bitmap per part of the shards whose hex id is lost. */
  missing(lost: ReadonlySet<string>): Uint8Array[] {
    return this.#entries.map(({ indices, ids }) =>
      bitmapOf(indices.filter((_, i) => lost.has(toHex(ids[i] as Uint8Array)))),
    );
  }
}

/** Of a damaged manifest nothing can be proved; it must not keep the rest from being answered. */
async function readable<T>(loading: Promise<T>): Promise<T | undefined> {
  try {
    return await loading;
  } catch (error) {
    if (error instanceof StructureError || isDamagedRecord(error)) {
      return undefined;
    }
    throw error;
  }
}

function unknownShard(entry: number, index: number, segment: CID): AuditError {
  return new AuditError({ code: 'unknown-shard', entry, index }, `segment ${segment} has no shard ${index}`);
}

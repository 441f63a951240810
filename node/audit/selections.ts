import type { CID } from 'multiformats/cid';
import { MAX_AUDIT_ENTRIES } from '../../protocol/audit-refusal.ts';
import { bitmapIndices } from '../../protocol/bitmap.ts';
import { MAX_AUDIT_BYTES, MAX_AUDIT_SHARDS } from '../../protocol/constants.ts';
import { encodeStoreReceipt, type StoreReceipt } from '../../protocol/store-receipt.ts';
import type { LoadedSegment } from '../manifest/loaded-segment.ts';
import { type SelectedPart, Selection } from './selection.ts';

export type Receipts = AsyncIterable<StoreReceipt> | Iterable<StoreReceipt>;

export interface SegmentLoader {
  load(root: CID, segment: CID, signal?: AbortSignal): Promise<LoadedSegment | undefined>;
}

/** Of a request: the rest is for the envelope. */
const MAX_SET_BYTES = MAX_AUDIT_BYTES - 16 * 1024;
/** Beside its receipt an entry takes a CID, a bitmap and the keys of a map. */
const ENTRY_OVERHEAD_BYTES = 128;
/** Decoded segments held by one selection; several holders are audited at a time. */
const MAX_SEGMENT_BYTES = 24 * 1024 * 1024;

/** Collects parts up to the bounds of one challenge. */
export class SetBuilder {
  readonly parts: SelectedPart[] = [];
  #shards = MAX_AUDIT_SHARDS;
  #setBytes = MAX_SET_BYTES;
  #segmentBytes = MAX_SEGMENT_BYTES;

  /** Whether there was room; the first part always fits. At most 16,384 shards, none of them named before. */
  take(part: SelectedPart): boolean {
    const { receipt, segment, indices } = part;
    const bytes = encodeStoreReceipt(receipt).length + receipt.indices.length + ENTRY_OVERHEAD_BYTES;
    const full = indices.length > this.#shards || bytes > this.#setBytes || segment.weight > this.#segmentBytes;
    if (this.parts.length === MAX_AUDIT_ENTRIES || (full && this.parts.length > 0)) return false;
    this.parts.push(part);
    this.#shards -= indices.length;
    this.#setBytes -= bytes;
    this.#segmentBytes -= segment.weight;
    return true;
  }
}

/**
 * What one holder's receipts cover, in as few sets as the bounds of one challenge allow, one at a time. What is not in
 * the manifest, and segments that cannot be had, are left out.
 */
export async function* selections(
  receipts: Receipts,
  segments: SegmentLoader,
  signal: AbortSignal,
): AsyncGenerator<Selection, void, undefined> {
  let set = new SetBuilder();
  for await (const receipt of receipts) {
    signal.throwIfAborted();
    const segment = await segments.load(receipt.root, receipt.segment, signal);
    if (segment === undefined) continue;
    const indices = coveredIndices(receipt, segment);
    for (let start = 0; start < indices.length; start += MAX_AUDIT_SHARDS) {
      const part = { receipt, segment, indices: indices.slice(start, start + MAX_AUDIT_SHARDS) };
      if (set.take(part)) continue;
      yield new Selection(set.parts);
      set = new SetBuilder();
      set.take(part);
    }
  }
  if (set.parts.length > 0) yield new Selection(set.parts);
}

/** What the receipt covers of the segment, ascending: indices at which it stores nothing are left out. */
export function coveredIndices(receipt: StoreReceipt, segment: LoadedSegment): number[] {
  return bitmapIndices(receipt.indices).filter((index) => segment.shardId(index) !== undefined);
}

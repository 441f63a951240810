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

/**
 * What one holder's receipts cover, in as few sets as the bounds of one challenge allow, one at a time. What is not in
 * the manifest, and segments that cannot be had, are left out.
 */
export async function* selections(
  receipts: Receipts,
  segments: SegmentLoader,
  signal: AbortSignal,
): AsyncGenerator<Selection, void, undefined> {
  let parts: SelectedPart[] = [];
  let room = newRoom();
  for await (const receipt of receipts) {
    signal.throwIfAborted();
    const segment = await segments.load(receipt.root, receipt.segment, signal);
    if (segment === undefined) continue;
    const indices = bitmapIndices(receipt.indices).filter((index) => segment.shardId(index) !== undefined);
    if (indices.length === 0) continue;
    const bytes = encodeStoreReceipt(receipt).length + receipt.indices.length + ENTRY_OVERHEAD_BYTES;
    for (let start = 0; start < indices.length; start += MAX_AUDIT_SHARDS) {
      const part = { receipt, segment, indices: indices.slice(start, start + MAX_AUDIT_SHARDS) };
      const full = part.indices.length > room.shards || bytes > room.setBytes || segment.weight > room.segmentBytes;
      if (parts.length === MAX_AUDIT_ENTRIES || (full && parts.length > 0)) {
        yield new Selection(parts);
        parts = [];
        room = newRoom();
      }
      parts.push(part);
      room.shards -= part.indices.length;
      room.setBytes -= bytes;
      room.segmentBytes -= segment.weight;
    }
  }
  if (parts.length > 0) yield new Selection(parts);
}

const newRoom = () => ({ shards: MAX_AUDIT_SHARDS, setBytes: MAX_SET_BYTES, segmentBytes: MAX_SEGMENT_BYTES });

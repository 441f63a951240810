import type { CID } from 'multiformats/cid';
import { bitmapIndices, bitmapOf } from '../../protocol/bitmap.ts';
import { compareBytes } from '../../protocol/bytes.ts';
import { type HeldEntry, haveRequest, haveResponse, MAX_HAVE_PAGE_BYTES } from '../../protocol/messages/have.ts';
import { encodeStoreReceipt, type StoreReceipt } from '../../protocol/store-receipt.ts';
import { type Handler, ok, unary } from './handler.ts';

export interface HaveDeps {
  /** Receipts that this node signed and that were not released. */
  readonly receipts: {
    ofRoot(root: CID): Promise<readonly StoreReceipt[]>;
    ofSegment(segment: CID): Promise<readonly StoreReceipt[]>;
  };
  readonly shards: {
    idsOf(segment: CID): Promise<ReadonlyMap<number, Uint8Array>>;
    has(id: Uint8Array): Promise<boolean>;
  };
}

/** Beside its receipt an entry takes a CID, a bitmap and the keys of a map. */
const ENTRY_OVERHEAD_BYTES = 128;
const MAX_PAGE_ENTRIES = 256;
/** The envelope of the page. */
const PAGE_OVERHEAD_BYTES = 64;

/** What this node holds of an object or a segment, with its receipts, in pages (protocol v1 §6). */
export function haveHandler(deps: HaveDeps): Handler {
  return unary(async (bytes) => {
    const { root, segment, after } = haveRequest.decode(bytes);
    const all = root === undefined ? await deps.receipts.ofSegment(segment as CID) : await deps.receipts.ofRoot(root);
    const rest = all
      .filter((receipt) => after === undefined || compareBytes(receipt.segment.bytes, after.bytes) > 0)
      .sort((a, b) => compareBytes(a.segment.bytes, b.segment.bytes));
    const held: HeldEntry[] = [];
    let size = PAGE_OVERHEAD_BYTES;
    for (const receipt of rest) {
      const entry = await entryOf(deps, receipt);
      const entrySize = entry.receipt.length + entry.indices.length + ENTRY_OVERHEAD_BYTES;
      if (held.length === MAX_PAGE_ENTRIES || size + entrySize > MAX_HAVE_PAGE_BYTES) break;
      size += entrySize;
      held.push(entry);
    }
    return ok(haveResponse.encode({ held, more: held.length < rest.length }));
  });
}

async function entryOf({ shards }: HaveDeps, receipt: StoreReceipt): Promise<HeldEntry> {
  const ids = await shards.idsOf(receipt.segment);
  const present: number[] = [];
  for (const index of bitmapIndices(receipt.indices)) {
    const id = ids.get(index);
    if (id !== undefined && (await shards.has(id))) present.push(index);
  }
  return { segment: receipt.segment, indices: bitmapOf(present), receipt: encodeStoreReceipt(receipt) };
}

import type { CID } from 'multiformats/cid';
import { compareBytes } from '../../protocol/bytes.ts';
import { type HeldEntry, haveRequest, haveResponse, MAX_HAVE_PAGE_BYTES } from '../../protocol/messages/have.ts';
import { encodeRelease, type Release } from '../../protocol/release.ts';
import { encodeStoreReceipt, type StoreReceipt } from '../../protocol/store-receipt.ts';
import { type Handler, ok, unary } from './handler.ts';

export interface HaveDeps {
  /** Receipts that this node signed and that were not released. */
  readonly receipts: {
    /** Ascending by the bytes of the segment's CID, from behind `after`. */
    scan(options: { root: CID; after?: CID; signal: AbortSignal }): AsyncIterable<StoreReceipt>;
    ofSegment(segment: CID, signal: AbortSignal): Promise<readonly StoreReceipt[]>;
  };
  /** What owners released. */
  readonly releases: { get(root: CID): Promise<Release | undefined> };
  readonly holdings: {
    /** The shards that a receipt covers and that are here now. */
    present(receipt: StoreReceipt): Promise<Uint8Array>;
  };
}

/** Beside its receipt an entry takes a CID, a bitmap and the keys of a map. */
const ENTRY_OVERHEAD_BYTES = 128;
const MAX_PAGE_ENTRIES = 256;
/** The envelope of the page. */
const PAGE_OVERHEAD_BYTES = 64;

/** What this node holds of an object or a segment, with its receipts, in pages (protocol v1 §6). */
export function haveHandler(deps: HaveDeps): Handler {
  return unary(async (bytes, caller) => {
    const request = haveRequest.decode(bytes);
    if (request.release && request.root !== undefined) {
      const release = await deps.releases.get(request.root);
      const page = { held: [], more: false };
      return ok(haveResponse.encode(release === undefined ? page : { ...page, release: encodeRelease(release) }));
    }
    const held: HeldEntry[] = [];
    let size = PAGE_OVERHEAD_BYTES;
    let more = false;
    for await (const receipt of receiptsFor(deps, request, caller.signal)) {
      const indices = await deps.holdings.present(receipt);
      const entry = { segment: receipt.segment, indices, receipt: encodeStoreReceipt(receipt) };
      size += entry.receipt.length + indices.length + ENTRY_OVERHEAD_BYTES;
      more = held.length === MAX_PAGE_ENTRIES || size > MAX_HAVE_PAGE_BYTES;
      if (more) break;
      held.push(entry);
    }
    return ok(haveResponse.encode({ held, more }));
  });
}

async function* receiptsFor(
  { receipts }: HaveDeps,
  { root, segment, after }: { readonly root?: CID; readonly segment?: CID; readonly after?: CID },
  signal: AbortSignal,
): AsyncGenerator<StoreReceipt> {
  if (root !== undefined) {
    yield* receipts.scan({ root, ...(after === undefined ? {} : { after }), signal });
  } else if (segment !== undefined && (after === undefined || compareBytes(segment.bytes, after.bytes) > 0)) {
    // One for each object that shares the segment; what does not fit the page of one segment cannot be asked for.
    yield* await receipts.ofSegment(segment, signal);
  }
}

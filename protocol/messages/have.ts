import type { CID } from 'multiformats/cid';
import { compareBytes } from '../bytes.ts';
import { bitmap, byteString, flag, link, list, optional, record } from '../fields.ts';
import { MAX_RELEASE_BYTES } from '../release.ts';
import { MAX_SEGMENT_SHARDS } from '../segment.ts';
import { MAX_RECEIPT_BYTES } from '../store-receipt.ts';
import { structure } from '../structure.ts';

export const MAX_HAVE_PAGE_BYTES = 64 * 1024;
/** An entry takes more than 400 bytes, nearly all of them for the receipt. */
const MAX_ENTRIES = 256;

/** Asks what a peer holds of an object or of a segment; exactly one of the two is given. */
export interface HaveRequest {
  readonly root?: CID;
  readonly segment?: CID;
  /** The last segment of the page before. */
  readonly after?: CID;
  /** With the root: asks for its release alone, not for what is held. */
  readonly release?: boolean;
}

export interface HeldEntry {
  readonly segment: CID;
  /** The shards that are held now, possibly fewer than the receipt covers. */
  readonly indices: Uint8Array;
  /** The holder's encoded store receipt. */
  readonly receipt: Uint8Array;
}

/** One page, ascending by the bytes of the segments' CIDs. */
export interface HaveResponse {
  readonly held: readonly HeldEntry[];
  readonly more: boolean;
  /** The encoded release of the root, where it was asked for and is known. */
  readonly release?: Uint8Array;
}

export const haveRequest = structure<HaveRequest>(
  'have request',
  1024,
  {
    root: optional(link('node')),
    segment: optional(link('node')),
    after: optional(link('node')),
    release: optional(flag),
  },
  ({ root, segment, release }) => {
    if ((root === undefined) === (segment === undefined)) return 'it takes a root or a segment';
    return release !== undefined && root === undefined ? 'a root is released, not a segment' : undefined;
  },
);

export const haveResponse = structure<HaveResponse>(
  'have response',
  MAX_HAVE_PAGE_BYTES,
  {
    held: list(
      record<HeldEntry>({
        segment: link('node'),
        indices: bitmap(MAX_SEGMENT_SHARDS, 'may-be-empty'),
        receipt: byteString(MAX_RECEIPT_BYTES, 1),
      }),
      MAX_ENTRIES,
    ),
    more: flag,
    release: optional(byteString(MAX_RELEASE_BYTES, 1)),
  },
  ({ held, more, release }) => {
    if (release !== undefined && held.length > 0) return 'what was released is still held';
    if (more && held.length === 0) return 'more follows an empty page';
    // Two roots may share a segment, each with a receipt of its own: equal CIDs are neighbours.
    const unsorted = held.some((entry, i) => {
      const before = held[i - 1];
      return before !== undefined && compareBytes(before.segment.bytes, entry.segment.bytes) > 0;
    });
    return unsorted ? 'its segments are not in order' : undefined;
  },
);

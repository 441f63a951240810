import type { CID } from 'multiformats/cid';
import type { Root } from '../../protocol/manifest.ts';
import type { AnsweringHolder } from './other-holders.ts';

/** How to find out which shards of a segment others have as well. */
export interface CopiesDeps {
  readonly others: {
    /** Who answers for shards of the segment, by receipts that were checked. */
    ofSegment(cid: CID, root: Root, segment: CID, signal: AbortSignal): Promise<readonly AnsweringHolder[]>;
  };
  readonly copies: {
    /** Of which shards, with their ids by index, one of the holders has the bytes. */
    confirmed(
      segment: CID,
      ids: ReadonlyMap<number, Uint8Array>,
      holders: readonly AnsweringHolder[],
      signal: AbortSignal,
    ): Promise<ReadonlySet<number>>;
  };
}

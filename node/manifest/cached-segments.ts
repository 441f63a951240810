import type { CID } from 'multiformats/cid';
import type { Root } from '../../protocol/manifest.ts';
import type { Segment } from '../../protocol/segment.ts';
import type { SegmentDirectory } from './segment-directory.ts';

interface Segments {
  segment(rootCid: CID, root: Root, position: number, signal: AbortSignal): Promise<Segment>;
}

/** Segments of what is looked at again and again: those in use are neither fetched nor decoded anew. */
export function cachedSegments(directory: Pick<SegmentDirectory, 'load'>, locator: Segments): Segments {
  return {
    async segment(rootCid, root, position, signal) {
      const loaded = await directory.load(rootCid, root.segments[position] as CID, signal);
      // The locator says why there is none.
      return loaded?.segment ?? (await locator.segment(rootCid, root, position, signal));
    },
  };
}

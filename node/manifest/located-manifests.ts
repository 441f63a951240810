import type { CID } from 'multiformats/cid';
import type { Root } from '../../protocol/manifest.ts';
import type { Segment } from '../../protocol/segment.ts';
import { TransferError } from '../transfer/transfer-error.ts';
import type { ManifestSource } from './segment-directory.ts';

interface Locator {
  root(cid: CID, signal: AbortSignal): Promise<Root>;
  segment(rootCid: CID, root: Root, index: number, signal: AbortSignal): Promise<Segment>;
}

const NEVER = new AbortController().signal;

/**
 * Manifests from wherever they are found. A root that nobody has is an error, as it is for every reader of a file; of
 * segments some may be out of reach.
 */
export function locatedManifests(locator: Locator): ManifestSource {
  return {
    root: (cid, signal = NEVER) => locator.root(cid, signal),
    async segment(rootCid, root, position, signal = NEVER) {
      try {
        return await locator.segment(rootCid, root, position, signal);
      } catch (error) {
        if (error instanceof TransferError && error.code === 'not-found') return undefined;
        throw error;
      }
    },
  };
}

interface Loader<T> {
  load(root: CID, segment: CID, signal?: AbortSignal): Promise<T | undefined>;
}

/** As the loader; what cannot be found or used is missing, which is no error to who goes through many objects. */
export function whatIsFound<T>(loader: Loader<T>): Loader<T> {
  return {
    async load(root, segment, signal) {
      try {
        return await loader.load(root, segment, signal);
      } catch (error) {
        if (error instanceof TransferError) return undefined;
        throw error;
      }
    },
  };
}

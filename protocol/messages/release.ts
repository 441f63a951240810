import { byteString } from '../fields.ts';
import { MAX_RELEASE_BYTES } from '../release.ts';
import { structure } from '../structure.ts';

/** Hands a release to a holder; the body of the answer is empty. */
export interface ReleaseRequest {
  /** The encoded release. */
  readonly release: Uint8Array;
}

export const releaseRequest = structure<ReleaseRequest>('release request', 4096, {
  release: byteString(MAX_RELEASE_BYTES, 1),
});

import type { CID } from 'multiformats/cid';
import { equalBytes } from '../../protocol/bytes.ts';
import type { Root } from '../../protocol/manifest.ts';
import { releaseRequest } from '../../protocol/messages/release.ts';
import { decodeRelease, type Release, verifyRelease } from '../../protocol/release.ts';
import { type Handler, ok, refusal, unary } from './handler.ts';

export interface ReleaseDeps {
  readonly network: Uint8Array;
  readonly segments: { root(cid: CID): Promise<Root | undefined> };
  /** Kept as the answer to later audits. Durable on return. */
  readonly releases: { put(release: Release): Promise<void> };
  readonly shards: { release(root: CID): Promise<unknown> };
}

/** Lets go of an object that its owner released (protocol v1 §4.6). Whoever brings the release: the signature counts. */
export function releaseHandler(deps: ReleaseDeps): Handler {
  return unary(async (bytes) => {
    const release = decodeRelease(releaseRequest.decode(bytes).release);
    if (!equalBytes(release.network, deps.network)) {
      return refusal('not-allowed', 'other-network', 'the release is of another network');
    }
    const root = await deps.segments.root(release.root);
    // Nothing to let go of: done, and nothing is kept for objects that this node never held.
    if (root === undefined) return ok();
    if (!equalBytes(release.owner, root.owner))
      return refusal('not-allowed', 'not-owner', 'only the owner releases an object');
    if (!verifyRelease(release))
      return refusal('invalid-request', 'bad-signature', 'the signature of the release does not verify');
    // The release first: a crash in between must not leave a loss that nothing excuses.
    await deps.releases.put(release);
    await deps.shards.release(release.root);
    return ok();
  });
}

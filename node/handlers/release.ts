import type { CID } from 'multiformats/cid';
import { equalBytes } from '../../protocol/bytes.ts';
import type { Root } from '../../protocol/manifest.ts';
import { releaseRequest } from '../../protocol/messages/release.ts';
import { decodeRelease, type Release } from '../../protocol/release.ts';
import { isReleaseOf } from '../holdings/release-search.ts';
import { type Handler, ok, refusal, unary } from './handler.ts';

export interface ReleaseDeps {
  readonly network: Uint8Array;
  /** Of this node. */
  readonly signer: { readonly publicKey: Uint8Array };
  readonly segments: { root(cid: CID): Promise<Root | undefined> };
  readonly holdings: {
    /** Keeps the release as the answer to later audits, then lets go of all that it names. Durable on return. */
    release(release: Release, signal?: AbortSignal): Promise<void>;
    /** Resolves when no promise about the object is being made. */
    settled(root: CID, signal?: AbortSignal): Promise<void>;
  };
  /** Told of each release that was obeyed. */
  readonly onReleaseReceived?: (release: Release) => void;
}

/** Lets go of an object that its owner released (protocol v1 §4.6). Whoever brings the release: the signature counts. */
export function releaseHandler(deps: ReleaseDeps): Handler {
  return unary(async (bytes, caller) => {
    const release = decodeRelease(releaseRequest.decode(bytes).release);
    if (!equalBytes(release.network, deps.network)) {
      return refusal('not-allowed', 'other-network', 'the release is of another network');
    }
    // A finalize under way may be about to keep the object.
    await deps.holdings.settled(release.root, caller.signal);
    const root = await deps.segments.root(release.root);
    // Nothing to let go of: done, and nothing is kept for objects that this node does not hold for another.
    if (root === undefined || equalBytes(root.owner, deps.signer.publicKey)) return ok();
    if (!equalBytes(release.owner, root.owner)) {
      return refusal('not-allowed', 'not-owner', 'only the owner releases an object');
    }
    if (!isReleaseOf(release, release.root, root)) {
      return refusal('invalid-request', 'bad-signature', 'the signature of the release does not verify');
    }
    await deps.holdings.release(release, caller.signal);
    deps.onReleaseReceived?.(release);
    return ok();
  });
}

import type { CID } from 'multiformats/cid';
import { equalBytes } from '../../protocol/bytes.ts';
import type { Root } from '../../protocol/manifest.ts';
import { type Release, verifyRelease } from '../../protocol/release.ts';

export interface ReleaseSearchDeps {
  readonly roots: { root(cid: CID): Promise<Root | undefined> };
  readonly others: { releaseOf(cid: CID, root: Root, signal: AbortSignal): Promise<Release | undefined> };
  readonly holdings: { release(release: Release, signal?: AbortSignal): Promise<void> };
  /** Told of each release that was obeyed. */
  readonly onReceived: (release: Release) => void;
}

/** Whether the owner of the object signed the release. */
export function isReleaseOf(release: Release, cid: CID, { network, owner }: Pick<Root, 'network' | 'owner'>): boolean {
  const names = equalBytes(release.network, network) && release.root.equals(cid) && equalBytes(release.owner, owner);
  return names && verifyRelease(release);
}

/** Finds releases that came while this node was away, at those who got them: their owners may be gone for good. */
export class ReleaseSearch {
  readonly #deps: ReleaseSearchDeps;

  constructor(deps: ReleaseSearchDeps) {
    this.#deps = deps;
  }

  /** Asks whether the object was released, and lets go of it if so; whether it did. @throws the signal's reason */
  async obeyed(cid: CID, signal: AbortSignal): Promise<boolean> {
    const { roots, others, holdings, onReceived } = this.#deps;
    // Without its manifest nobody knows whose release would count.
    const root = await roots.root(cid).catch(() => undefined);
    const release = root && (await others.releaseOf(cid, root, signal));
    if (release === undefined) return false;
    await holdings.release(release, signal);
    onReceived(release);
    return true;
  }
}

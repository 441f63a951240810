import type { CID } from 'multiformats/cid';
import { equalBytes } from '../../protocol/bytes.ts';
import type { Root } from '../../protocol/manifest.ts';
import { type Release, verifyRelease } from '../../protocol/release.ts';
import type { Clock } from '../clock.ts';
import { DeadlinePassed, withDeadline } from '../network/deadline.ts';
import { SharedWork } from '../shared-work.ts';
import { WeightedCache } from '../weighted-cache.ts';

export interface ReleaseSearchDeps {
  /** Public key of this node. */
  readonly self: Uint8Array;
  readonly roots: { root(cid: CID): Promise<Root | undefined> };
  readonly others: {
    releaseOf(
      cid: CID,
      root: Root,
      signal: AbortSignal,
    ): Promise<{ readonly release: Release | undefined; readonly answered: number }>;
  };
  readonly holdings: { release(release: Release, signal?: AbortSignal): Promise<void> };
  /** Told of each release that was obeyed. */
  readonly onReceived: (release: Release) => void;
  readonly clock: Clock;
  /** How long it counts that nobody knew of a release, milliseconds. */
  readonly rememberMs: number;
}

/** Whether the owner of the object signed the release. */
export function isReleaseOf(release: Release, cid: CID, { network, owner }: Pick<Root, 'network' | 'owner'>): boolean {
  const names = equalBytes(release.network, network) && release.root.equals(cid) && equalBytes(release.owner, owner);
  return names && verifyRelease(release);
}

/** Peers that stall must not hold up who waits for the answer. */
const SEARCH_MS = 60_000;
/** Objects of which it is remembered that they were not released; beyond, some are searched for again. */
const REMEMBERED = 4096;

/** Finds releases that came while this node was away, at those who got them: their owners may be gone for good. */
export class ReleaseSearch {
  readonly #deps: ReleaseSearchDeps;
  /** Root → until when it counts as not released, monotonic. */
  readonly #kept = new WeightedCache<number>(REMEMBERED);
  /** One search of an object at a time, whoever waits for it. */
  readonly #running = new Map<string, SharedWork<boolean>>();

  constructor(deps: ReleaseSearchDeps) {
    this.#deps = deps;
  }

  /** Asks whether the object was released, and lets go of it if so; whether it did. @throws the signal's reason */
  async obeyed(cid: CID, signal: AbortSignal): Promise<boolean> {
    const key = cid.toString();
    if ((this.#kept.get(key) ?? 0) > this.#deps.clock.monotonic()) return false;
    const running = this.#running.get(key) ?? this.#begin(key, cid);
    return running.join(signal);
  }

  /** Lets go of the object that the release is of, when it is kept here for another and its owner signed. */
  async shown(release: Release, signal?: AbortSignal): Promise<void> {
    const { roots, holdings, onReceived, self } = this.#deps;
    const root = await roots.root(release.root).catch(() => undefined);
    if (root === undefined || equalBytes(root.owner, self) || !isReleaseOf(release, release.root, root)) return;
    await holdings.release(release, signal);
    onReceived(release);
  }

  #begin(key: string, cid: CID): SharedWork<boolean> {
    const end = () => {
      if (this.#running.get(key) === work) this.#running.delete(key);
    };
    const work = new SharedWork(async (signal) => {
      try {
        return await this.#search(key, cid, signal);
      } finally {
        end();
      }
    }, end);
    this.#running.set(key, work);
    return work;
  }

  async #search(key: string, cid: CID, signal: AbortSignal): Promise<boolean> {
    const { roots, others, holdings, onReceived, clock, rememberMs } = this.#deps;
    // Without its manifest nobody knows whose release would count.
    const root = await roots.root(cid).catch(() => undefined);
    if (root === undefined) return false;
    const { release, answered } = await withDeadline(clock, SEARCH_MS, signal, (limited) =>
      others.releaseOf(cid, root, limited),
    ).catch((error: unknown) => {
      if (error instanceof DeadlinePassed) return { release: undefined, answered: 1 };
      throw error;
    });
    if (release === undefined) {
      // Who reached nobody knows nothing yet.
      if (answered > 0) this.#kept.set(key, clock.monotonic() + rememberMs, 1);
      return false;
    }
    await holdings.release(release, signal);
    onReceived(release);
    return true;
  }
}

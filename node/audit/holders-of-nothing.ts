import type { CID } from 'multiformats/cid';
import { WeightedCache } from '../weighted-cache.ts';

/** Holders remembered; beyond, the one that was asked for longest ago is counted again. */
const MAX_REMEMBERED = 4096;
/** Objects that changed and are looked up one by one; beyond, all holders are counted again. */
const MAX_CHANGED = 256;
/** Counted again after this time in any case. */
const AGAIN_MS = 24 * 3_600_000;

/** Remembers holders that answer for nothing until that may have changed: to count takes a look at all that they signed. */
export class HoldersOfNothing {
  readonly #holdersOf: (root: CID) => Promise<readonly string[]>;
  /** By peer id: when that was counted, ms since 1970. */
  #remembered = new WeightedCache<number>(MAX_REMEMBERED);
  readonly #changed = new Map<string, CID>();
  #changes = 0;

  /** @param holdersOf peer ids of all that signed for something of an object */
  constructor(holdersOf: (root: CID) => Promise<readonly string[]>) {
    this.#holdersOf = holdersOf;
  }

  /** There may be more to answer for of this object than before. */
  changed(root: CID): void {
    this.#changes++;
    if (this.#remembered.size === 0) return;
    this.#changed.set(root.toString(), root);
    if (this.#changed.size > MAX_CHANGED) this.#forgetAll();
  }

  /**
   * What `count` says, which is not asked while it is known to be 0.
   *
   * @param now ms since 1970; before the time of the last count, promises that had ended then may bind again
   */
  async count(peer: string, now: number, count: () => Promise<number>): Promise<number> {
    await this.#forgetChanged();
    const at = this.#remembered.get(peer);
    if (at !== undefined && at <= now && now < at + AGAIN_MS) return 0;
    const changes = this.#changes;
    const shards = await count();
    // What changed meanwhile may have been passed by.
    if (shards === 0 && changes === this.#changes) this.#remembered.set(peer, now, 1);
    else this.#remembered.delete(peer);
    return shards;
  }

  async #forgetChanged(): Promise<void> {
    try {
      for (const [key, root] of this.#changed) {
        this.#changed.delete(key);
        for (const peer of await this.#holdersOf(root)) this.#remembered.delete(peer);
      }
    } catch (error) {
      this.#forgetAll();
      throw error;
    }
  }

  #forgetAll(): void {
    this.#remembered = new WeightedCache(MAX_REMEMBERED);
    this.#changed.clear();
  }
}

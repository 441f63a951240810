import type { CID } from 'multiformats/cid';
import type { Clock } from '../clock.ts';
import { SharedWork } from '../shared-work.ts';
import { collectProviders } from '../transfer/holder-directory.ts';
import type { PeerDirectory } from '../transfer/ports.ts';
import { WeightedCache } from '../weighted-cache.ts';

/** A lookup asks a score of peers and takes seconds: the repair that follows a look, and whoever polls, has the same answer. */
const FRESH_MS = 60_000;
const REMEMBERED = 1000;

interface Lookup {
  readonly work: SharedWork<readonly string[]>;
  /** Monotonic. */
  readonly at: number;
}

/** Whom the DHT named for an object, for a minute. */
export class RecentProviders {
  readonly #peers: Pick<PeerDirectory, 'findProviders'>;
  readonly #clock: Clock;
  readonly #lookups = new WeightedCache<Lookup>(REMEMBERED);

  constructor(peers: Pick<PeerDirectory, 'findProviders'>, clock: Clock) {
    this.#peers = peers;
    this.#clock = clock;
  }

  /** @throws the signal's reason */
  async of(root: CID, signal: AbortSignal): Promise<readonly string[]> {
    const key = root.toString();
    const known = this.#lookups.get(key);
    if (known !== undefined && this.#clock.monotonic() - known.at < FRESH_MS) return known.work.join(signal);
    const find = (limited: AbortSignal) => collectProviders(this.#peers, this.#clock, root, limited);
    const work = new SharedWork(find, () => this.#lookups.delete(key));
    this.#lookups.set(key, { work, at: this.#clock.monotonic() }, 1);
    return work.join(signal);
  }

  /** Somebody else is said to hold something of the object now. */
  forget(root: CID): void {
    this.#lookups.delete(root.toString());
  }
}

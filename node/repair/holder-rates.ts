import type { Clock } from '../clock.ts';
import { keyFromPeerId } from '../network/peer-key.ts';
import type { HolderRecord } from '../store/holder-failure-store.ts';
import { WeightedCache } from '../weighted-cache.ts';
import { failureRate } from './durability.ts';

export interface HolderRatesDeps {
  readonly store: {
    get(holder: Uint8Array): Promise<HolderRecord | undefined>;
    put(holder: Uint8Array, record: HolderRecord): Promise<void>;
  };
  readonly clock: Pick<Clock, 'now'>;
}

const DAY_MS = 86_400_000;
/** What is found out shard by shard is one failure. */
const ONE_FAILURE_MS = 3_600_000;
const REMEMBERED = 4096;

/** How often each holder loses what it holds, as far as this node has seen. */
export class HolderRates {
  readonly #deps: HolderRatesDeps;
  readonly #records = new WeightedCache<HolderRecord>(REMEMBERED);
  readonly #failedAt = new Map<string, number>();

  constructor(deps: HolderRatesDeps) {
    this.#deps = deps;
  }

  /** From now on these are watched, if they were not before. */
  async watch(peers: Iterable<string>): Promise<void> {
    for (const peer of peers) {
      if ((await this.#record(peer)) === undefined)
        await this.#put(peer, { since: this.#deps.clock.now(), failures: 0 });
    }
  }

  /** It is gone for good, or lost shards. */
  async failed(peer: string): Promise<void> {
    const now = this.#deps.clock.now();
    const last = this.#failedAt.get(peer);
    if (last !== undefined && Math.abs(now - last) < ONE_FAILURE_MS) return;
    if (this.#failedAt.size >= REMEMBERED) this.#failedAt.clear();
    this.#failedAt.set(peer, now);
    const { since, failures } = (await this.#record(peer)) ?? { since: now, failures: 0 };
    await this.#put(peer, { since, failures: failures + 1 });
  }

  /** Failures per day. */
  async rateOf(peer: string): Promise<number> {
    const record = await this.#record(peer);
    if (record === undefined) return failureRate(0, 0);
    return failureRate(record.failures, (this.#deps.clock.now() - record.since) / DAY_MS);
  }

  async #record(peer: string): Promise<HolderRecord | undefined> {
    const known = this.#records.get(peer);
    if (known !== undefined) return known;
    const stored = await this.#deps.store.get(keyFromPeerId(peer));
    if (stored !== undefined) this.#records.set(peer, stored, 1);
    return stored;
  }

  async #put(peer: string, record: HolderRecord): Promise<void> {
    this.#records.set(peer, record, 1);
    await this.#deps.store.put(keyFromPeerId(peer), record);
  }
}

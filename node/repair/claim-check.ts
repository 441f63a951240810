import type { CID } from 'multiformats/cid';
import type { Clock } from '../clock.ts';
import { readCopies } from '../holdings/copy-check.ts';
import { DeadlinePassed, withDeadline } from '../network/deadline.ts';
import { type RandomBytes, randomFraction } from '../random.ts';
import { forEachLimited } from '../transfer/abortable.ts';
import { judgeFailure, retryPause } from '../transfer/failure.ts';
import type { FetchClient } from '../transfer/ports.ts';
import { WeightedCache } from '../weighted-cache.ts';

export interface ClaimCheckDeps {
  readonly client: FetchClient;
  /** Resolves when so many shards may go over the network. */
  readonly admit: (shards: number, signal: AbortSignal) => Promise<void>;
  readonly random: RandomBytes;
  readonly clock: Clock;
}

/**
 * Shards of one claimant that are read. A new holder of 100 stripes costs each guardian half a MiB then, and who has half of
 * what it claims is found out in 15 of 16 looks; audits cover the rest, as with everybody who is believed.
 */
const SAMPLE = 4;
/** Claimants that one look at a segment reads from; a repair in vain costs traffic, but no shard. */
const MAX_CLAIMANTS = 16;
const CONCURRENCY = 4;
const READ_TIMEOUT_MS = 15_000;
/** For all claimants of one look. */
const TIMEOUT_MS = 30_000;
/** Who kept a look waiting is not read from again for so long; of so many that is remembered. */
const STALLED_MS = 10 * 60_000;
const REMEMBERED = 4096;

/** Reads a few of the shards that strangers say to have: anybody can sign for shards that it never saw. */
export class ClaimCheck {
  readonly #deps: ClaimCheckDeps;
  /** Peer → until when it is not read from, monotonic. */
  readonly #stalled = new WeightedCache<number>(REMEMBERED);

  constructor(deps: ClaimCheckDeps) {
    this.#deps = deps;
  }

  /**
   * Claimant → whether it sent what it was asked for; who was not asked, or had no time, is not among them.
   * @throws the signal's reason
   *
   * @param claims claimant → indices of a segment that it says to have
   * @param idOf SHA-256 of the shard at an index
   */
  async sent(
    segment: CID,
    claims: ReadonlyMap<string, readonly number[]>,
    idOf: (index: number) => Uint8Array | undefined,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, boolean>> {
    const { clock } = this.#deps;
    const sent = new Map<string, boolean>();
    const now = clock.monotonic();
    const willing = [...claims].filter(([peer]) => (this.#stalled.get(peer) ?? 0) <= now);
    // Drawn: those who answer first are not to keep all others from being asked.
    const readAll = (limited: AbortSignal) =>
      forEachLimited(this.#drawn(willing, MAX_CLAIMANTS), CONCURRENCY, async ([peer, indices]) => {
        const ids = new Map(this.#drawn(indices, SAMPLE).map((index) => [index, idOf(index) as Uint8Array]));
        const has = await this.#has(peer, segment, ids, limited);
        if (has !== undefined) sent.set(peer, has);
      });
    await withDeadline(clock, TIMEOUT_MS, signal, readAll).catch(() => signal.throwIfAborted());
    return new Map(sent);
  }

  /** Undefined when that was not to be learnt now. */
  async #has(
    peer: string,
    segment: CID,
    ids: ReadonlyMap<number, Uint8Array>,
    signal: AbortSignal,
  ): Promise<boolean | undefined> {
    const { admit, clock } = this.#deps;
    await admit(ids.size, signal);
    for (let attempt = 0; ; attempt++) {
      try {
        return await withDeadline(clock, READ_TIMEOUT_MS, signal, (limited) => this.#read(peer, segment, ids, limited));
      } catch (error) {
        signal.throwIfAborted();
        const { kind } = judgeFailure(error);
        if (kind === 'refused') return false;
        const stalls = kind === 'silent' || error instanceof DeadlinePassed;
        if (stalls) this.#stalled.set(peer, clock.monotonic() + STALLED_MS, 1);
        const pause = stalls ? undefined : retryPause(error, attempt, clock.now());
        if (pause === undefined) return undefined;
        await clock.sleep(pause, signal);
      }
    }
  }

  async #read(peer: string, segment: CID, ids: ReadonlyMap<number, Uint8Array>, signal: AbortSignal): Promise<boolean> {
    const found = new Set<number>();
    await readCopies(this.#deps.client, peer, segment, ids, [...ids.keys()], found, signal);
    return found.size === ids.size;
  }

  /** So many of them, so that nobody knows which. */
  #drawn<T>(from: readonly T[], count: number): T[] {
    const left = [...from];
    const draw = () => left.splice(Math.floor(randomFraction(this.#deps.random) * left.length), 1) as [T];
    return Array.from({ length: Math.min(count, left.length) }, () => draw()[0]);
  }
}

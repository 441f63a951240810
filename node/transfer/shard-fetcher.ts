import type { CID } from 'multiformats/cid';
import type { CodeParameters } from '../../protocol/code.ts';
import { shardIndex } from '../../protocol/geometry.ts';
import type { Clock } from '../clock.ts';
import { isShard } from '../shard-id.ts';
import { FetchLane } from './fetch-lane.ts';
import type { FetchClient } from './ports.ts';
import type { FetchItem, StripeJob, StripeRequest } from './stripe-job.ts';

/** Who holds which shard of a segment, as far as is known. */
export interface ShardSources {
  holders(segment: CID, index: number): readonly string[];
  /** Asks again, also peers that were not asked before. */
  refresh(segment: CID, signal: AbortSignal): Promise<void>;
}

/** `garbage`: the bytes do not hash to the id. `not-held`: the holder said it had the shard and then that it has not. */
export interface ShardFault {
  readonly peer: string;
  readonly segment: CID;
  readonly index: number;
  readonly kind: 'garbage' | 'not-held';
}

/** Fewer than k′ good shards of a stripe can be had. */
export class StripeShortage extends Error {
  readonly have: number;
  readonly need: number;

  constructor(have: number, need: number) {
    super(`${have} good shards of ${need}`);
    this.have = have;
    this.need = need;
  }
}

export interface FetcherOptions {
  readonly client: FetchClient;
  readonly sources: ShardSources;
  readonly code: CodeParameters;
  readonly clock: Clock;
  readonly onShardFault?: (fault: ShardFault) => void;
  /** Told of a holder of which nothing came for so long that others are asked; again and again while it lasts. */
  readonly onStalled?: (peer: string) => void;
  /** A stripe that the reader is near to and that is not complete after this long asks for its extra shards. */
  readonly extraAfterMs?: number;
  /** A stripe that got no shard for this long asks all its other holders. */
  readonly hedgeMs?: number;
}

/** Shorter than a slow holder is late, longer than a stripe takes on a fast network, where extra shards only cost. */
const DEFAULT_EXTRA_AFTER_MS = 100;
const DEFAULT_HEDGE_MS = 500;
/** A shard is asked of the same holder this often. */
const TRIES_PER_HOLDER = 2;
/** Parity costs a decode: it is preferred to data only where its holder is this much faster. */
const PARITY_HANDICAP = 4;
/** A holder that needs less for all that it was asked for is not passed over: figures this small change quickly. */
const OUTRUN_MS = 250;

/**
 * Fetches stripes: asks for more shards than needed, keeps the first k′ good ones and cancels the rest. Extra requests
 * begin a moment after the others (hedged requests: Dean and Barroso, The Tail at Scale, 2013) and use only what a
 * holder's line has free, so that they cost nothing when all holders are fast and replace a slow one soon. Each shard is
 * checked against its hash; a holder that sends garbage is not asked again.
 */
export class ShardFetcher {
  readonly #options: FetcherOptions;
  readonly #lanes = new Map<string, FetchLane>();
  readonly #jobs = new Set<StripeJob>();
  readonly #stopped = new AbortController();
  #watching = false;

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  /** All wanted shards, or at least k′ shards of the stripe. @throws StripeShortage */
  async fetch(request: StripeRequest): Promise<ReadonlyMap<number, Uint8Array>> {
    this.#stopped.signal.throwIfAborted();
    const job: StripeJob = {
      request,
      good: new Map(),
      open: new Map(),
      tries: new Map(),
      settle: Promise.withResolvers(),
      whole: false,
      extra: request.extra,
      nearAt: undefined,
      late: false,
      done: false,
      refreshed: 'no',
      progressAt: this.#options.clock.monotonic(),
    };
    this.#jobs.add(job);
    if (request.turn !== undefined) request.turn.onNearer = () => this.#nearer(job);
    this.#markNear(job);
    this.#assign(job);
    if (!this.#watching) void this.#watch();
    return await job.settle.promise;
  }

  /** Cancels everything; open fetches reject with `reason`. */
  close(reason: unknown): void {
    this.#stopped.abort(reason);
    for (const job of [...this.#jobs]) this.#fail(job, reason);
    for (const lane of this.#lanes.values()) lane.drop();
  }

  /** Asks for as many shards as are missing, at the cheapest holders. */
  #assign(job: StripeJob): void {
    if (job.done) return;
    if (!job.whole) {
      // The wanted shards themselves, as long as they come: anything else has to be decoded.
      const missing = job.request.want.filter((position) => !job.good.has(position) && !job.open.has(position));
      job.whole = !missing.every((position) => this.#ask(job, position, false));
    }
    if (!job.whole) return;
    const need = job.request.view.dataCount - job.good.size;
    const extra = job.late ? job.extra : 0;
    for (const position of this.#byCost(job)) {
      if (job.open.size >= need + extra) break;
      this.#ask(job, position, job.open.size >= need);
    }
    if (job.open.size < need) this.#lookFurther(job, need);
  }

  /** Positions that could still be asked for, the cheapest first. */
  #byCost(job: StripeJob): number[] {
    const { hashes, dataCount } = job.request.view;
    const costs = new Map<number, number>();
    for (const [position, id] of hashes.entries()) {
      if (id === undefined || job.good.has(position) || job.open.has(position)) continue;
      const lane = this.#cheapest(job, position);
      if (lane !== undefined) costs.set(position, lane.cost * (position < dataCount ? 1 : PARITY_HANDICAP));
    }
    return [...costs].sort((a, b) => a[1] - b[1]).map(([position]) => position);
  }

  #cheapest(job: StripeJob, position: number): FetchLane | undefined {
    const { segment, stripe } = job.request;
    let best: FetchLane | undefined;
    for (const peer of this.#options.sources.holders(segment, shardIndex(this.#options.code, stripe, position))) {
      const lane = this.#lane(peer);
      if (lane.dropped || (job.tries.get(`${position}/${peer}`) ?? 0) >= TRIES_PER_HOLDER) continue;
      if (best === undefined || lane.cost < best.cost) best = lane;
    }
    return best;
  }

  #ask(job: StripeJob, position: number, extra: boolean): boolean {
    const lane = this.#cheapest(job, position);
    if (lane === undefined || (!job.whole && (lane.stalled || this.#isOutrun(job, lane)))) return false;
    job.open.set(position, (job.open.get(position) ?? 0) + 1);
    const { segment, stripe } = job.request;
    lane.add({ job, position, segment, index: shardIndex(this.#options.code, stripe, position) }, extra);
    return true;
  }

  /** Whether so much waits for a holder that another shard and a decode are there sooner. */
  #isOutrun(job: StripeJob, lane: FetchLane): boolean {
    const { cost } = lane;
    if (cost < OUTRUN_MS) return false;
    const { hashes, dataCount } = job.request.view;
    return hashes.some((id, position) => {
      if (id === undefined || position < dataCount || job.open.has(position)) return false;
      const other = this.#cheapest(job, position);
      return other !== undefined && other !== lane && other.cost * PARITY_HANDICAP < cost;
    });
  }

  /** Too few holders are known: asks around once, then gives up. */
  #lookFurther(job: StripeJob, need: number): void {
    if (job.refreshed === 'running') return;
    if (job.refreshed === 'yes') {
      const { view } = job.request;
      // What is on its way cannot make up for what is missing.
      if (job.open.size < need) this.#fail(job, new StripeShortage(job.good.size + job.open.size, view.dataCount));
      return;
    }
    job.refreshed = 'running';
    this.#options.sources.refresh(job.request.segment, this.#stopped.signal).then(
      () => {
        job.refreshed = 'yes';
        job.tries.clear();
        for (const lane of this.#lanes.values()) lane.forgive();
        this.#assign(job);
      },
      (error) => this.#fail(job, error),
    );
  }

  #fail(job: StripeJob, error: unknown): void {
    this.#finish(job, () => job.settle.reject(error));
  }

  #finishIfComplete(job: StripeJob): boolean {
    const complete = isComplete(job);
    if (complete) this.#finish(job, () => job.settle.resolve(job.good));
    return complete;
  }

  #finish(job: StripeJob, settle: () => void): void {
    if (job.done) return;
    job.done = true;
    this.#jobs.delete(job);
    settle();
    for (const lane of this.#lanes.values()) lane.prune();
  }

  #lane(peer: string): FetchLane {
    const known = this.#lanes.get(peer);
    if (known !== undefined) return known;
    const lane = new FetchLane(peer, {
      client: this.#options.client,
      clock: this.#options.clock,
      onShard: (item, shard) => this.#received(peer, item, shard),
      onFailed: (item, notHeld) => this.#failed(peer, item, notHeld),
    });
    this.#lanes.set(peer, lane);
    return lane;
  }

  #received(peer: string, item: FetchItem, shard: Uint8Array): void {
    const { job, position } = item;
    if (job.done || job.good.has(position)) return;
    const id = job.request.view.hashes[position];
    if (id === undefined || !isShard(id, shard)) {
      this.#report(peer, item, 'garbage');
      this.#lane(peer).drop();
      this.#failed(peer, item);
      return;
    }
    job.good.set(position, shard);
    job.open.delete(position);
    job.progressAt = this.#options.clock.monotonic();
    this.#finishIfComplete(job);
  }

  /** The reader comes nearer: a stripe that can be decoded is done now. */
  #nearer(job: StripeJob): void {
    if (job.done) return;
    this.#markNear(job);
    this.#finishIfComplete(job);
  }

  #markNear(job: StripeJob): void {
    if (urgencyOf(job) !== 'ahead') job.nearAt ??= this.#options.clock.monotonic();
  }

  #failed(peer: string, item: FetchItem, notHeld = false): void {
    const { job, position } = item;
    if (job.done) return;
    const key = `${position}/${peer}`;
    job.tries.set(key, notHeld ? TRIES_PER_HOLDER : (job.tries.get(key) ?? 0) + 1);
    if (notHeld) this.#report(peer, item, 'not-held');
    const open = (job.open.get(position) ?? 1) - 1;
    if (open > 0) job.open.set(position, open);
    else job.open.delete(position);
    if (!this.#finishIfComplete(job)) this.#assign(job);
  }

  #report(peer: string, { segment, index }: FetchItem, kind: ShardFault['kind']): void {
    this.#options.onShardFault?.({ peer, segment, index, kind });
  }

  /** A late stripe, or one with a stalled holder, asks for its extra shards; one that makes no progress asks everyone else who holds a shard of it. */
  async #watch(): Promise<void> {
    const { clock, extraAfterMs = DEFAULT_EXTRA_AFTER_MS, hedgeMs = DEFAULT_HEDGE_MS } = this.#options;
    this.#watching = true;
    try {
      while (this.#jobs.size > 0) {
        await clock.sleep(Math.min(extraAfterMs, hedgeMs), this.#stopped.signal);
        const now = clock.monotonic();
        const slow = [...this.#lanes.values()].filter((lane) => lane.stalled);
        for (const { peer } of slow) this.#options.onStalled?.(peer);
        const stalled = new Set(slow.flatMap((lane) => [...lane.jobs()]));
        for (const job of [...this.#jobs]) {
          const decodable = job.good.size >= job.request.view.dataCount;
          if (decodable || job.refreshed === 'running') continue;
          const stuck = now - job.progressAt >= hedgeMs;
          const near = job.nearAt !== undefined && now - job.nearAt >= extraAfterMs;
          const late = !job.late && (near || stalled.has(job));
          if (!stuck && !late) continue;
          job.late = true;
          if (stuck) job.extra = job.request.view.hashes.length;
          if (stuck || job.request.want.length >= job.request.view.dataCount) job.whole = true;
          this.#assign(job);
        }
      }
    } catch (error) {
      if (!this.#stopped.signal.aborted) throw error;
    } finally {
      this.#watching = false;
    }
  }
}

const urgencyOf = ({ request }: StripeJob) => request.turn?.urgency ?? 'now';

/**
 * Whether a stripe has what it was asked for. k′ shards of any kind are enough, but decoding costs more than waiting:
 * while the reader is busy with earlier stripes, data shards that are on their way may still come.
 */
function isComplete(job: StripeJob): boolean {
  const { want, view } = job.request;
  const missing = want.filter((wanted) => !job.good.has(wanted));
  if (missing.length === 0) return true;
  if (job.good.size < view.dataCount) return false;
  return urgencyOf(job) === 'now' || !missing.every((wanted) => job.open.has(wanted));
}

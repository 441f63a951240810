import { bitmapOf } from '../../protocol/bitmap.ts';
import { MAX_SHARDS_PER_CALL } from '../../protocol/constants.ts';
import type { Clock } from '../clock.ts';
import { judgeFailure, retryPause } from './failure.ts';
import type { FetchClient } from './ports.ts';
import { type FetchItem, isMoot, type StripeJob } from './stripe-job.ts';

export interface LaneOptions {
  readonly client: FetchClient;
  readonly clock: Clock;
  readonly onShard: (item: FetchItem, shard: Uint8Array) => void;
  readonly onFailed: (item: FetchItem, notHeld: boolean) => void;
}

interface Call {
  readonly controller: AbortController;
  /** By index in the segment; answered items leave. */
  readonly open: Map<number, FetchItem>;
}

/** One call sends while the next is being asked for. */
const CALLS_PER_HOLDER = 2;
/** Extra requests get a call of their own when nothing else waits, so that they can be cancelled as a whole. */
const CALLS_WITH_EXTRA = 3;
const MAX_BATCH = Math.min(32, MAX_SHARDS_PER_CALL);
/** A round trip around the world and a slow disk fit in. */
const STALLED_MS = 500;
/** A holder that was silent for this long while others were faster is late. */
const LATE_MS = 100;
/** After being late a holder rests so many times as long, doubled each time in a row: waiting for it costs a small share. */
const REST_FACTOR = 8;
const MAX_REST_MS = 30_000;
/** Failed calls in a row before a holder is left alone. */
const MAX_STRIKES = 3;
/** Weight of the newest shard in the average time per shard. */
const EWMA = 0.2;

/** Shards asked of one holder; requests that wait while calls are in flight go into the next call together. */
export class FetchLane {
  readonly peer: string;
  readonly #options: LaneOptions;
  readonly #calls = new Set<Call>();
  #waiting: FetchItem[] = [];
  #extra: FetchItem[] = [];
  #dropped: 'no' | 'trouble' | 'garbage' = 'no';
  #strikes = 0;
  #paused = false;
  readonly #closed = new AbortController();
  #scheduled = false;
  /** Average milliseconds per shard. */
  #pace = 1;
  #progressAt = 0;
  /** How long it was silent when it was last late, and until when others are preferred for that. */
  #lateBy = 0;
  #restUntil = 0;
  #timesLate = 0;

  constructor(peer: string, options: LaneOptions) {
    this.peer = peer;
    this.#options = options;
  }

  get dropped(): boolean {
    return this.#dropped !== 'no';
  }

  /** Expected milliseconds until one more shard is here; a holder that hangs becomes ever more expensive. */
  get cost(): number {
    let open = this.#waiting.length + this.#extra.length;
    for (const call of this.#calls) open += call.open.size;
    return (1 + open) * Math.max(this.#pace, this.#silence, this.#rests ? this.#lateBy : 0);
  }

  /** Nothing came for so long, or was late so lately, that others should be asked. */
  get stalled(): boolean {
    return this.#silence >= STALLED_MS || this.#rests;
  }

  /** Stripes that wait for this holder. */
  *jobs(): Generator<StripeJob, void, undefined> {
    for (const call of this.#calls) for (const { job } of call.open.values()) yield job;
    for (const { job } of this.#waiting) yield job;
  }

  get #rests(): boolean {
    return this.#options.clock.monotonic() < this.#restUntil;
  }

  /** Milliseconds since the last shard, while some are due. */
  get #silence(): number {
    return this.#calls.size === 0 ? 0 : this.#options.clock.monotonic() - this.#progressAt;
  }

  add(item: FetchItem, extra: boolean): void {
    (extra ? this.#extra : this.#waiting).push(item);
    this.#schedule();
  }

  /** Never asks this holder again. */
  drop(): void {
    this.#dropped = 'garbage';
    this.#closed.abort();
    this.#giveUp();
  }

  /** After asking around: a holder that was only in trouble gets another chance. */
  forgive(): void {
    if (this.#dropped === 'garbage') return;
    this.#dropped = 'no';
    this.#strikes = 0;
  }

  /** Cancels calls of which nothing is needed any more. */
  prune(): void {
    for (const call of this.#calls) {
      if (![...call.open.values()].every(isMoot)) continue;
      // Without this, a holder that is always outrun would never be known as slow.
      if (call.open.size > 0) this.#wasSilent(this.#silence);
      call.open.clear();
      call.controller.abort(new DOMException('enough shards are here', 'AbortError'));
    }
  }

  #giveUp(): void {
    const items = [...this.#waiting.splice(0), ...this.#extra.splice(0)];
    for (const call of this.#calls) {
      items.push(...call.open.values());
      call.open.clear();
      call.controller.abort(new DOMException('the holder was given up', 'AbortError'));
    }
    for (const item of items) this.#options.onFailed(item, false);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (!this.dropped && !this.#paused) {
      const limit = this.#waiting.length > 0 ? CALLS_PER_HOLDER : CALLS_WITH_EXTRA;
      if (this.#calls.size >= limit) return;
      const batch = this.#take(this.#waiting.length > 0 ? this.#waiting : this.#extra);
      if (batch.length > 0) void this.#call(batch);
      else if (this.#waiting.length + this.#extra.length === 0) return;
    }
  }

  /** The next items of one segment, without those that have become superfluous. */
  #take(queue: FetchItem[]): FetchItem[] {
    const batch = new Map<number, FetchItem>();
    const first = queue.find((item) => !isMoot(item));
    let used = 0;
    for (const item of queue) {
      if (!isMoot(item)) {
        if (batch.size >= MAX_BATCH || item.segment !== first?.segment || batch.has(item.index)) break;
        batch.set(item.index, item);
      }
      used++;
    }
    queue.splice(0, used);
    return [...batch.values()];
  }

  async #call(batch: readonly FetchItem[]): Promise<void> {
    const { client, clock, onShard, onFailed } = this.#options;
    const call: Call = {
      controller: new AbortController(),
      open: new Map(batch.map((item) => [item.index, item])),
    };
    if (this.#calls.size === 0) this.#progressAt = clock.monotonic();
    this.#calls.add(call);
    const { segment } = batch[0] as FetchItem;
    try {
      const indices = bitmapOf(call.open.keys());
      for await (const { index, shard } of client.fetch(this.peer, segment, indices, call.controller.signal)) {
        const item = call.open.get(index);
        if (item === undefined) continue;
        call.open.delete(index);
        if (shard === undefined) onFailed(item, true);
        else {
          this.#progress();
          onShard(item, shard);
        }
      }
      this.#calls.delete(call);
      for (const item of call.open.values()) onFailed(item, false);
    } catch (error) {
      this.#calls.delete(call);
      if (!call.controller.signal.aborted) this.#trouble(error, [...call.open.values()]);
    } finally {
      this.#schedule();
    }
  }

  #progress(): void {
    const now = this.#options.clock.monotonic();
    const took = now - this.#progressAt;
    this.#pace += EWMA * (took - this.#pace);
    this.#progressAt = now;
    this.#strikes = 0;
    if (took < LATE_MS) this.#timesLate = 0;
    else this.#wasSilent(took);
  }

  #wasSilent(ms: number): void {
    if (ms < LATE_MS || this.#rests) return;
    this.#lateBy = ms;
    this.#restUntil =
      this.#options.clock.monotonic() + Math.min(MAX_REST_MS, REST_FACTOR * ms * 2 ** this.#timesLate++);
  }

  #trouble(error: unknown, items: readonly FetchItem[]): void {
    this.#strikes++;
    const busy = judgeFailure(error).kind === 'busy';
    if (this.#strikes >= MAX_STRIKES && !busy) this.#dropped = 'trouble';
    const pause = retryPause(error, this.#strikes - 1, this.#options.clock.now());
    if (busy && pause !== undefined) {
      this.#waiting.unshift(...items);
      this.#pause(pause);
      return;
    }
    for (const item of items) this.#options.onFailed(item, false);
    if (this.dropped) this.#giveUp();
  }

  #pause(ms: number): void {
    this.#paused = true;
    const resume = () => {
      this.#paused = false;
      this.#schedule();
    };
    // At most 10 s (failure.ts); the stripes ask others meanwhile.
    this.#options.clock.sleep(ms, this.#closed.signal).then(resume, resume);
  }
}

import type { Clock } from '../clock.ts';
import { KeyedLock } from '../keyed-lock.ts';
import type { Logger } from '../log.ts';
import { TokenBucket } from '../network/token-bucket.ts';
import type { FinishedScrub, ScrubCounts, ScrubState } from '../store/scrub-store.ts';
import { type ScrubbedShards, scrubPass } from './scrub-pass.ts';

export interface ScrubberDeps {
  readonly shards: ScrubbedShards;
  readonly store: { get(): Promise<ScrubState>; put(state: ScrubState): Promise<void> };
  readonly clock: Clock;
  readonly log: Logger;
  /** Time from the start of one pass to that of the next, milliseconds. */
  readonly cycleMs: number;
  /** Most bytes read a second by the passes that run by themselves; Infinity: as fast as the disk. */
  readonly bytesPerSecond: number;
  /** Told of every pass that came to its end. */
  readonly onDone: (pass: FinishedScrub) => void;
}

export interface ScrubStatus {
  /** The pass under way or interrupted. */
  readonly pass: (ScrubCounts & { readonly startedAt: number }) | undefined;
  readonly last: FinishedScrub | undefined;
  /** When the next pass is due; milliseconds since 1970. */
  readonly nextAt: number;
}

const NOTHING: ScrubCounts = { checkedShards: 0, damagedShards: 0, unreadableShards: 0 };
/** A node that has just started has other things to read. */
const SETTLE_MS = 60_000;
/** After a failure; and how long a change of the wall clock may go unnoticed. */
const AGAIN_MS = 10 * 60_000;

/**
 * Reads everything that is stored, once in a cycle, and declares lost what is damaged, so that audits say so and it is
 * repaired. A pass goes on where it was when the node stopped.
 */
export class Scrubber {
  readonly #deps: ScrubberDeps;
  readonly #bucket: TokenBucket;
  /** One pass at a time. */
  readonly #turns = new KeyedLock();
  #state: ScrubState = {};
  #stopping: AbortController | undefined;
  /** Interrupts the pass that runs by itself. */
  #background: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(deps: ScrubberDeps) {
    this.#deps = deps;
    const { bytesPerSecond, clock } = deps;
    this.#bucket = new TokenBucket(Number.isFinite(bytesPerSecond) ? bytesPerSecond : 0, clock);
  }

  async start(): Promise<void> {
    if (this.#stopping !== undefined) return;
    this.#stopping = new AbortController();
    const { signal } = this.#stopping;
    this.#state = await this.#deps.store.get();
    this.#running = this.#run(signal);
  }

  async stop(): Promise<void> {
    this.#stopping?.abort(new DOMException('the node is stopping', 'AbortError'));
    await this.#running;
    // A pass that was asked for ends by the same signal.
    await this.#turns.run(TURN, undefined, async () => undefined);
    this.#stopping = undefined;
  }

  status(): ScrubStatus {
    const { last, pass } = this.#state;
    return { pass, last, nextAt: this.#nextAt() };
  }

  /** Reads everything now, as fast as the disk allows. @throws the signal's reason; StoreError */
  async now(signal: AbortSignal, onChecked?: (counts: ScrubCounts) => void): Promise<FinishedScrub> {
    const stop = this.#stopping === undefined ? signal : AbortSignal.any([signal, this.#stopping.signal]);
    this.#background?.abort(new Interrupted());
    return this.#turns.run(TURN, stop, async () => {
      const { shards, log, clock } = this.#deps;
      const startedAt = clock.now();
      const mayRead = async () => stop.throwIfAborted();
      const counts = await scrubPass({
        shards,
        log,
        from: NOTHING,
        mayRead,
        ...(onChecked && { onChecked }),
        signal: stop,
      });
      return this.#finish(startedAt, counts);
    });
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log, cycleMs } = this.#deps;
    let pause = Math.min(SETTLE_MS, cycleMs);
    while (!signal.aborted) {
      await clock.sleep(pause, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#followClock();
        if (this.#nextAt() <= clock.now()) await this.#turns.run(TURN, signal, () => this.#pass(signal));
        pause = Math.min(AGAIN_MS, Math.max(0, this.#nextAt() - clock.now()));
      } catch (error) {
        pause = error instanceof Interrupted ? 0 : AGAIN_MS;
        if (pause > 0 && !signal.aborted) log.warn('what is stored was not read to the end', { reason: String(error) });
      }
    }
  }

  /** A pass that by the clock is still to come, which was set back, counts as done now: else none is due until then. */
  async #followClock(): Promise<void> {
    const { store, clock } = this.#deps;
    const { last } = this.#state;
    const now = clock.now();
    if (last === undefined || last.startedAt <= now) return;
    this.#state = { ...this.#state, last: { ...last, startedAt: now, finishedAt: now } };
    await store.put(this.#state);
  }

  /** Goes on with the pass under way, or begins one. */
  async #pass(signal: AbortSignal): Promise<void> {
    const { shards, store, clock, log } = this.#deps;
    // Another one may have come to its end while this one waited for its turn.
    if (this.#nextAt() > clock.now()) return;
    this.#background = new AbortController();
    const stop = AbortSignal.any([signal, this.#background.signal]);
    const { startedAt, ...from } = this.#state.pass ?? { startedAt: clock.now(), ...NOTHING };
    const note = (counts: ScrubCounts, after: Uint8Array | undefined) => {
      this.#state = { ...this.#state, pass: { startedAt, ...counts, ...(after && { after }) } };
    };
    const state = () => this.#state;
    note(from, from.after);
    try {
      const counts = await scrubPass({
        shards,
        log,
        from,
        mayRead: (bytes, limited) => this.#bucket.take(bytes, limited),
        async onPage(counted, after) {
          note(counted, after);
          await store.put(state());
        },
        signal: stop,
      });
      await this.#finish(startedAt, counts);
    } finally {
      this.#background = undefined;
    }
  }

  async #finish(startedAt: number, counts: ScrubCounts): Promise<FinishedScrub> {
    const { store, clock, log, onDone } = this.#deps;
    const last = { startedAt, finishedAt: clock.now(), ...counts };
    this.#state = { last };
    await store.put(this.#state);
    log.debug('all that is stored was read', { ...counts });
    onDone(last);
    return last;
  }

  /** At once when a pass was interrupted or none ever was; never further away than a cycle, whatever the clock did. */
  #nextAt(): number {
    const { last, pass } = this.#state;
    const { clock, cycleMs } = this.#deps;
    if (pass !== undefined || last === undefined) return 0;
    return Math.min(last.startedAt, clock.now()) + cycleMs;
  }
}

const TURN = 'pass';

class Interrupted extends Error {}

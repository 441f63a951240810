import type { Clock } from '../clock.ts';

/** Holders that must agree. */
const ENOUGH = 3;
/** What was said longer ago no longer tells about the clock. */
const LATELY_MS = 6 * 3_600_000;
/** Holders remembered; beyond, the one that was asked longest ago goes. */
const MAX_HOLDERS = 256;

/**
 * Whether this node's clock is wrong. A refusal as `stale` is not signed and costs nothing: a holder that says so has not
 * answered, and some that collude must not excuse themselves. When three do, and most of the holders asked lately, it is
 * more likely this node.
 */
export class ClockDoubt {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** In the order in which they were asked last. */
  readonly #lately = new Map<string, { readonly stale: boolean; readonly at: number }>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** A holder refused a fresh challenge as stale; whether that is to be believed. */
  stale(peer: string): boolean {
    this.#note(peer, true);
    const since = this.#clock.monotonic() - LATELY_MS;
    const lately = [...this.#lately.values()].filter(({ at }) => at >= since);
    const stale = lately.filter((one) => one.stale).length;
    return stale >= ENOUGH && 2 * stale > lately.length;
  }

  /** A holder took the time of a challenge for right. */
  answered(peer: string): void {
    this.#note(peer, false);
  }

  #note(peer: string, stale: boolean): void {
    this.#lately.delete(peer);
    this.#lately.set(peer, { stale, at: this.#clock.monotonic() });
    const [oldest] = this.#lately.keys();
    if (this.#lately.size > MAX_HOLDERS && oldest !== undefined) this.#lately.delete(oldest);
  }
}

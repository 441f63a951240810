import type { Clock } from '../clock.ts';

/** A peer that hung once may be slow for good, or only have been busy: long enough for the repairs of one file. */
const REMEMBERED_MS = 10 * 60_000;
/** Peers remembered; beyond, whoever stalled first is forgotten. */
const MAX_SLOW = 4096;

/** Peers that kept a repair waiting lately: the next ones ask them last. */
export class SlowSources {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #max: number;
  /** Until when they count as slow, monotonic; in the order in which they stalled. */
  readonly #slow = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>, max = MAX_SLOW) {
    this.#clock = clock;
    this.#max = max;
  }

  stalled(peer: string): void {
    this.#slow.delete(peer);
    this.#slow.set(peer, this.#clock.monotonic() + REMEMBERED_MS);
    if (this.#slow.size > this.#max) this.#slow.delete(this.#slow.keys().next().value as string);
  }

  isSlow(peer: string): boolean {
    const until = this.#slow.get(peer);
    if (until === undefined) return false;
    if (this.#clock.monotonic() < until) return true;
    this.#slow.delete(peer);
    return false;
  }
}

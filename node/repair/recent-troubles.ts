import type { Clock } from '../clock.ts';

/** A peer that failed once may do so for good, or only have been busy: long enough for the repairs of one file. */
const REMEMBERED_MS = 10 * 60_000;
/** Peers remembered; beyond, whoever failed first is forgotten. */
const MAX_PEERS = 4096;

/** Peers with which a repair had trouble lately: the next ones turn to others first. */
export class RecentTroubles {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #max: number;
  /** Until when they are remembered, monotonic; in the order in which they failed. */
  readonly #until = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>, max = MAX_PEERS) {
    this.#clock = clock;
    this.#max = max;
  }

  add(peer: string): void {
    this.#until.delete(peer);
    this.#until.set(peer, this.#clock.monotonic() + REMEMBERED_MS);
    if (this.#until.size > this.#max) this.#until.delete(this.#until.keys().next().value as string);
  }

  has(peer: string): boolean {
    const until = this.#until.get(peer);
    if (until === undefined) return false;
    if (this.#clock.monotonic() < until) return true;
    this.#until.delete(peer);
    return false;
  }

  /** All that are remembered. */
  all(): string[] {
    return [...this.#until.keys()].filter((peer) => this.has(peer));
  }
}

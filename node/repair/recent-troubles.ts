import type { Clock } from '../clock.ts';

/** Who failed once may do so for good, or only have been busy: long enough for the repairs of one file. */
const REMEMBERED_MS = 10 * 60_000;
/** How many are remembered; beyond, who failed first is forgotten. */
const MAX_REMEMBERED = 4096;

/** Peers, or peers and objects, with which a repair had trouble lately: the next ones turn to others first. */
export class RecentTroubles {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #max: number;
  /** Until when they are remembered, monotonic; in the order in which they failed. */
  readonly #until = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>, max = MAX_REMEMBERED) {
    this.#clock = clock;
    this.#max = max;
  }

  add(name: string): void {
    this.#until.delete(name);
    this.#until.set(name, this.#clock.monotonic() + REMEMBERED_MS);
    if (this.#until.size > this.#max) this.#until.delete(this.#until.keys().next().value as string);
  }

  has(name: string): boolean {
    const until = this.#until.get(name);
    if (until === undefined) return false;
    if (this.#clock.monotonic() < until) return true;
    this.#until.delete(name);
    return false;
  }

  /** All that are remembered. */
  all(): string[] {
    return [...this.#until.keys()].filter((name) => this.has(name));
  }
}

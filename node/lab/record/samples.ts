/**
 * Samples of a run of any length in a bounded list: when it is full, every other one goes and the pause between two
 * doubles. So they are evenly spread over the whole run, at least half of the limit in number.
 */
export class Samples<T> {
  readonly #limit: number;
  #kept: T[] = [];
  /** Of so many samples one is kept. */
  #every = 1;
  #seen = 0;
  #last: T | undefined;

  /** @param limit even, at least 2 */
  constructor(limit: number) {
    if (!Number.isSafeInteger(limit) || limit < 2 || limit % 2 !== 0) throw new RangeError(`${limit} is no limit`);
    this.#limit = limit;
  }

  add(sample: T): void {
    this.#last = sample;
    if (this.#seen % this.#every === 0) this.#keep(sample);
    this.#seen++;
  }

  /** Oldest first; the newest is always among them. */
  list(): readonly T[] {
    const last = this.#last;
    return last === undefined || this.#kept.at(-1) === last ? [...this.#kept] : [...this.#kept, last];
  }

  #keep(sample: T): void {
    if (this.#kept.length === this.#limit) {
      this.#kept = this.#kept.filter((_, i) => i % 2 === 0);
      this.#every *= 2;
      // The limit is even: the sample at hand still falls on the wider grid.
    }
    this.#kept.push(sample);
  }
}

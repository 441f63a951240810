/** Counts what gets done while something is being done: pauses, when nothing is under way, do not count. */
export class BusyMeter {
  readonly #monotonic: () => number;
  #running = 0;
  #busyMs = 0;
  #since = 0;
  #warm = false;
  /** Items done, without those of the first piece of work. */
  items = 0;

  /** @param monotonic milliseconds */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Items a second while at work; undefined as long as nothing was measured. */
  get perSecond(): number | undefined {
    const busyMs = this.#busyMs + (this.#running > 0 ? this.#monotonic() - this.#since : 0);
    return this.items > 0 && busyMs > 0 ? (this.items * 1000) / busyMs : undefined;
  }

  async measure<T>(items: number, work: () => Promise<T>): Promise<T> {
    if (this.#running++ === 0) this.#since = this.#monotonic();
    try {
      const result = await work();
      this.#done(items);
      return result;
    } finally {
      if (--this.#running === 0) this.#busyMs += this.#monotonic() - this.#since;
    }
  }

  /** The first piece of work may have loaded what it needed, or dialled: time counts from its end. */
  #done(items: number): void {
    if (this.#warm) {
      this.items += items;
      return;
    }
    this.#warm = true;
    this.#busyMs = 0;
    this.#since = this.#monotonic();
  }
}

/** Bounds what is spent on average: what was spent is worked off at a constant rate before more is begun. */
export class Spending {
  readonly #perMs: number;
  readonly #burstMs: number;
  #paidAt = Number.NEGATIVE_INFINITY;

  /** @param perMs units a millisecond. @param burstMs how much may be begun ahead, in milliseconds of the rate. */
  constructor(perMs: number, burstMs: number) {
    this.#perMs = perMs;
    this.#burstMs = burstMs;
  }

  /** @param now monotonic. */
  spend(units: number, now: number): void {
    this.#paidAt = Math.max(this.#paidAt, now) + units / this.#perMs;
  }

  /** Milliseconds until more may be begun; 0 = now. */
  wait(now: number): number {
    return Math.max(0, this.#paidAt - this.#burstMs - now);
  }
}

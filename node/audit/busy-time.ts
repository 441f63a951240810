/** Before anything was measured: a proof of a thousand shards. */
const FIRST_GUESS_MS = 500;
/** Weight of the newest proof in the running mean. */
const WEIGHT = 0.2;
/** Whoever comes back sooner finds the queue as it was. */
const MIN_MS = 1_000;

/** Tells whoever finds the queue full when there will be room, from how long proofs took lately. */
export class BusyTime {
  readonly #atATime: number;
  #meanMs = FIRST_GUESS_MS;

  /** @param atATime proofs that run beside each other */
  constructor(atATime: number) {
    this.#atATime = atATime;
  }

  /** One proof ended after so long. */
  took(ms: number): void {
    this.#meanMs += WEIGHT * (ms - this.#meanMs);
  }

  /** Milliseconds until `waiting` proofs and those that run are done. */
  until(waiting: number): number {
    return Math.max(MIN_MS, this.#meanMs * (Math.ceil(waiting / this.#atATime) + 1));
  }
}

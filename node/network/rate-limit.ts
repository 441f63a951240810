import type { Clock } from '../clock.ts';

/** Keys remembered at once; beyond, the longest unused goes. A peer that is forgotten starts with a full allowance. */
const MAX_KEYS = 4096;

/**
 * Requests per minute and key, by the generic cell rate algorithm: a full minute's allowance may come at once,
 * then one request each `60 s / perMinute`.
 */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #horizons = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** 0 when the request may go ahead, else the milliseconds until it may. A refused request costs nothing. */
  admit(key: string, perMinute: number): number {
    const now = this.#clock.monotonic();
    const interval = 60_000 / perMinute;
    const horizon = Math.max(this.#horizons.get(key) ?? 0, now);
    const wait = horizon + interval - (now + 60_000);
    // The sum of the intervals may exceed the minute by rounding.
    if (wait > 1e-6) return wait;
    this.#horizons.delete(key);
    if (this.#horizons.size >= MAX_KEYS) this.#horizons.delete(this.#horizons.keys().next().value as string);
    this.#horizons.set(key, horizon + interval);
    return 0;
  }
}

import type { Clock } from '../clock.ts';

/** Keys remembered at once; beyond, the longest unused goes, and starts with a full allowance when it comes back. */
const MAX_KEYS = 4096;

export interface AllowanceOptions {
  /** Units an hour; infinite means without limit. */
  readonly perHour: number;
  /** What may be taken at once after a long rest. */
  readonly burst: number;
}

const HOUR_MS = 3_600_000;
/** Sums of fractions of milliseconds err by less. */
const ROUNDING_MS = 1e-6;

/**
 * Amounts per key over time, by the generic cell rate algorithm (ITU-T I.371 Annex A): each key has a horizon, the time
 * at which all that it took is paid for, and may run ahead of the clock by the burst.
 */
export class Allowance {
  readonly #perMs: number;
  readonly #burstMs: number;
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** In the order of last use. */
  readonly #horizons = new Map<string, number>();

  constructor({ perHour, burst }: AllowanceOptions, clock: Pick<Clock, 'monotonic'>) {
    if (!(perHour > 0 && burst > 0)) throw new RangeError(`an allowance of ${perHour} an hour, ${burst} at once`);
    this.#perMs = perHour / HOUR_MS;
    this.#burstMs = burst / this.#perMs;
    this.#clock = clock;
  }

  /** Milliseconds until `amount` may be taken, 0 for now. More than the burst may be taken when everything is paid. */
  wait(key: string, amount: number): number {
    const now = this.#clock.monotonic();
    const ahead = Math.max(0, this.#burstMs - amount / this.#perMs);
    const wait = (this.#horizons.get(key) ?? now) - now - ahead;
    return wait > ROUNDING_MS ? wait : 0;
  }

  take(key: string, amount: number): void {
    const now = this.#clock.monotonic();
    const horizon = Math.max(this.#horizons.get(key) ?? now, now) + amount / this.#perMs;
    this.#horizons.delete(key);
    if (this.#horizons.size >= MAX_KEYS) this.#horizons.delete(this.#horizons.keys().next().value as string);
    this.#horizons.set(key, horizon);
  }
}

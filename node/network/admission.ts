import { METHODS, type Method } from '../../protocol/methods.ts';
import type { Clock } from '../clock.ts';
import { BUSY_RETRY_MS, MAX_SERVED, SERVING_LIMITS, type ServingLimits } from './limits.ts';
import { RateLimiter } from './rate-limit.ts';

export type Admission =
  | { readonly admitted: true; release(): void }
  /** When the peer may come back, in milliseconds from now. */
  | { readonly admitted: false; readonly retryInMs: number };

/** Places that no method is ensured of: those beyond its own share are taken from here. */
const SHARED = Object.keys(SERVING_LIMITS).reduce((left, method) => left - ensuredTo(method as Method), MAX_SERVED);

/** Decides which requests are served: by peer, by method, over all, and by each peer's rate. Nothing waits here. */
export class Admissions {
  readonly #rates: RateLimiter;
  readonly #running = new Map<string, number>();
  /** Of `SHARED`. */
  #shared = 0;

  constructor(clock: Clock) {
    this.#rates = new RateLimiter(clock);
  }

  /** Whether only the places are left that the method keeps for some callers. */
  isReserved(method: Method): boolean {
    const { maxConcurrent, reserved = 0 }: ServingLimits = SERVING_LIMITS[method];
    return this.#count(method) >= maxConcurrent - reserved;
  }

  /** @param preferred the method keeps places for this caller. */
  admit(method: Method, peer: string, preferred = false): Admission {
    const byPeer = `${method} ${peer}`;
    const full =
      (this.#shared >= SHARED && this.#count(method) >= ensuredTo(method)) ||
      this.#count(method) >= SERVING_LIMITS[method].maxConcurrent ||
      (this.isReserved(method) && !preferred) ||
      this.#count(byPeer) >= METHODS[method].maxConcurrentPerPeer;
    if (full) return { admitted: false, retryInMs: BUSY_RETRY_MS };
    const retryInMs = this.#rates.admit(byPeer, SERVING_LIMITS[method].requestsPerMinute);
    if (retryInMs > 0) return { admitted: false, retryInMs };
    this.#add(method, byPeer, 1);
    let released = false;
    return {
      admitted: true,
      release: () => {
        if (!released) this.#add(method, byPeer, -1);
        released = true;
      },
    };
  }

  #count(key: string): number {
    return this.#running.get(key) ?? 0;
  }

  #add(method: Method, byPeer: string, change: 1 | -1): void {
    this.#shared -= this.#beyondEnsured(method);
    for (const key of [method, byPeer]) {
      const count = this.#count(key) + change;
      if (count === 0) this.#running.delete(key);
      else this.#running.set(key, count);
    }
    this.#shared += this.#beyondEnsured(method);
  }

  #beyondEnsured(method: Method): number {
    return Math.max(0, this.#count(method) - ensuredTo(method));
  }
}

function ensuredTo(method: Method): number {
  const { ensured = 0 }: ServingLimits = SERVING_LIMITS[method];
  return ensured;
}

import { setTimeout as delay } from 'node:timers/promises';

/** The only source of time in `node/`, so that tests decide what time it is. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. For expiry and for what others read. */
  now(): number;
  /** Milliseconds from an arbitrary start, never going back. For deadlines and durations. */
  monotonic(): number;
  /** Resolves after `ms`. @throws the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Wall clocks of honest nodes may differ by this much (reliability §2). */
export const MAX_SKEW_MS = 2 * 60_000;

/** Timers of Node hold 31 bits and fire at once beyond them. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    for (let left = ms; left > 0; left -= MAX_TIMER_MS) {
      signal?.throwIfAborted();
      try {
        await delay(Math.min(left, MAX_TIMER_MS), undefined, signal === undefined ? {} : { signal });
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      }
    }
    signal?.throwIfAborted();
  },
};

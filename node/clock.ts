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

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};

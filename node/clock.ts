import { setTimeout as delay } from 'node:timers/promises';

/** Time as the node sees it; injected, so that tests decide what time it is. */
export interface Clock {
  /** Wall clock, milliseconds since 1970: for expiry and for what is shown to people. */
  now(): number;
  /** Milliseconds that never run backwards: for deadlines and durations. */
  monotonic(): number;
  /** Resolves after `ms`. @throws the signal's reason (an `AbortError`) when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  },
};

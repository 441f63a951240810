import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../node/clock.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** A clock that moves only when told. Wall and monotonic time can be moved apart with `skew`. */
export class ManualClock implements Clock {
  #elapsed = 0;
  #wall: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(startMs = 1_700_000_000_000) {
    this.#wall = startMs;
  }

  now(): number {
    return this.#wall + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  /** How many sleeps are pending. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Moves the wall clock alone, as an operator or NTP would. */
  skew(ms: number): void {
    this.#wall += ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const settle = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        settle();
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        at: this.#elapsed + ms,
        wake: () => {
          settle();
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** As when the process is stopped for `ms`: all that came due meanwhile wakes at its end, once. */
  async stall(ms: number): Promise<void> {
    await nextTurn();
    this.#elapsed += ms;
    for (const sleeper of [...this.#sleepers]) if (sleeper.at <= this.#elapsed) sleeper.wake();
    await nextTurn();
  }

  /** Moves both clocks by `ms`; wakes sleepers in order of their time and lets what they resume run in between. */
  async advance(ms: number): Promise<void> {
    // What was just started may still be on its way to its first sleep.
    await nextTurn();
    const until = this.#elapsed + ms;
    for (;;) {
      const due = [...this.#sleepers].filter((sleeper) => sleeper.at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#elapsed = Math.max(this.#elapsed, due.at);
      due.wake();
      await nextTurn();
    }
    this.#elapsed = until;
    await nextTurn();
  }
}

import type { Clock } from '../clock.ts';

/** A burst of half a second keeps a capped link busy between two shards without being felt by others. */
const BURST_MS = 500;

/**
 * Caps a flow of bytes. Takers are served in the order they ask: each moves the horizon by the time its bytes cost,
 * and waits until the horizon that it found. Over any span of t ms at most `rate·(t + burst)/1000` bytes are begun,
 * and one frame more.
 */
export class TokenBucket {
  readonly unlimited: boolean;
  readonly #bytesPerMs: number;
  readonly #clock: Clock;
  #horizon = Number.NEGATIVE_INFINITY;

  /** @param bytesPerSecond 0 means without limit */
  constructor(bytesPerSecond: number, clock: Clock) {
    if (!(bytesPerSecond >= 0)) throw new RangeError(`bytes per second cannot be ${bytesPerSecond}`);
    this.unlimited = bytesPerSecond === 0;
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#clock = clock;
  }

  /** Resolves when `bytes` may flow. @throws the signal's reason; what was not used is given back. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    if (this.unlimited) return;
    signal?.throwIfAborted();
    const now = this.#clock.monotonic();
    const cost = bytes / this.#bytesPerMs;
    const start = Math.max(this.#horizon, now - BURST_MS);
    this.#horizon = start + cost;
    if (start <= now) return;
    try {
      await this.#clock.sleep(start - now, signal);
    } catch (error) {
      this.#horizon -= cost;
      throw error;
    }
  }
}

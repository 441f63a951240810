import type { Clock } from '../clock.ts';
import type { TimeoutKind } from './errors.ts';
import { LINGER_MS, RATE_WINDOW_MS, type StreamLimits } from './limits.ts';

type Reading = 'no' | 'next' | 'rest';

/**
 * What one stream waits for, and since when. Only time spent waiting for the other end counts against its rate, so
 * that a slow consumer or a bandwidth cap of ours never makes a peer look slow.
 */
export class Progress {
  readonly #clock: Clock;
  readonly #limits: StreamLimits;
  readonly #openedAt: number;
  #reading: Reading = 'no';
  #readingSince = 0;
  #writing = false;
  #blockedSince = 0;
  #blockedMs = 0;
  #bytes = 0;
  /** Of the bytes sent, those that had not left when the rate was last judged. */
  #buffered = 0;
  #lingerSince: number | undefined;
  #framed = false;

  constructor(clock: Clock, limits: StreamLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#openedAt = clock.monotonic();
  }

  /** A frame was read. */
  framed(): void {
    this.#framed = true;
  }

  received(bytes: number): void {
    this.#bytes += bytes;
  }

  /** An answer is due from the last byte sent on, not from the moment that a read began to wait for it. */
  sent(bytes: number): void {
    this.#bytes += bytes;
    if (this.#reading === 'next') this.#readingSince = this.#clock.monotonic();
  }

  /** A read waits for the first byte of a frame (`next`), for the rest of one, or no read waits. */
  reading(state: Reading): void {
    if (state === this.#reading) return;
    const blocked = this.#isBlocked();
    this.#reading = state;
    if (state === 'next') this.#readingSince = this.#clock.monotonic();
    this.#blockChanged(blocked);
  }

  writing(waits: boolean): void {
    if (waits === this.#writing) return;
    const blocked = this.#isBlocked();
    this.#writing = waits;
    this.#blockChanged(blocked);
    if (!waits) this.sent(0);
  }

  /** From now on only the close of the other end is awaited. */
  lingerFrom(): void {
    this.#lingerSince = this.#clock.monotonic();
  }

  /** @param buffered bytes that were sent and have not left yet: a frame larger than what moves in one window is no pause */
  overdue(buffered = 0): TimeoutKind | 'linger' | undefined {
    const now = this.#clock.monotonic();
    if (this.#lingerSince !== undefined && now - this.#lingerSince > LINGER_MS && !this.#writing) return 'linger';
    if (now - this.#openedAt > this.#limits.totalTimeoutMs) return 'total';
    const { firstFrameTimeoutMs = Number.POSITIVE_INFINITY } = this.#limits;
    if (!this.#framed && now - this.#openedAt > firstFrameTimeoutMs) return 'first-byte';
    const silent = this.#reading === 'next' && !this.#writing;
    if (silent && now - this.#readingSince > this.#limits.firstByteTimeoutMs) return 'first-byte';
    return this.#tooSlow(now, buffered) ? 'too-slow' : undefined;
  }

  #isBlocked(): boolean {
    return this.#writing || this.#reading === 'rest';
  }

  #blockChanged(before: boolean): void {
    const after = this.#isBlocked();
    if (before === after) return;
    if (after) this.#blockedSince = this.#clock.monotonic();
    else this.#blockedMs += this.#clock.monotonic() - this.#blockedSince;
  }

  #tooSlow(now: number, buffered: number): boolean {
    const blockedMs = this.#blockedMs + (this.#isBlocked() ? now - this.#blockedSince : 0);
    if (blockedMs < RATE_WINDOW_MS) return false;
    const slow = this.#bytes + this.#buffered - buffered < (this.#limits.minBytesPerSecond * blockedMs) / 1000;
    this.#blockedMs = 0;
    this.#blockedSince = now;
    this.#bytes = 0;
    this.#buffered = buffered;
    return slow;
  }
}

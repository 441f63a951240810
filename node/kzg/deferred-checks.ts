import type { Clock } from '../clock.ts';

/** Milliseconds without a call before a check begins: its 60 ms, or two seconds while a library loads, are in no one's way. */
export const IDLE_MS = 250;
/** An engine that is never idle is checked all the same, at most so often: 60 ms in 5 s, 1.2 % of a core. */
export const LONGEST_WAIT_MS = 5_000;
/** Each keeps a copy of its blob, 128 KiB; what comes while all places are taken is not checked. */
export const CHECKS_MAX = 4;

/** A check that tells of its finding itself. Never rejects; ends soon after its signal aborts. */
type Task = (signal: AbortSignal) => Promise<void>;

/** Checks of results that have been given already: one at a time, when no call runs. */
export class DeferredChecks {
  readonly #clock: Pick<Clock, 'monotonic' | 'sleep'>;
  readonly #waiting: Task[] = [];
  /** Of what has started and not stopped. */
  #running: AbortController | undefined;
  #calls = 0;
  #lastCall = 0;
  #working: Promise<void> | undefined;

  constructor(clock: Pick<Clock, 'monotonic' | 'sleep'>) {
    this.#clock = clock;
  }

  /** Whether another one would be taken. */
  get hasRoom(): boolean {
    return this.#running !== undefined && this.#waiting.length < CHECKS_MAX;
  }

  start(): void {
    this.#running ??= new AbortController();
  }

  /** Gives up what waits and what runs. It takes no check afterwards. */
  async stop(): Promise<void> {
    this.#running?.abort(new Error('the engine stops'));
    this.#running = undefined;
    this.#waiting.length = 0;
    await this.#working;
  }

  /** A call begins. */
  enter(): void {
    this.#calls++;
  }

  /** A call ended. */
  leave(): void {
    this.#calls--;
    this.#lastCall = this.#clock.monotonic();
  }

  add(task: Task): void {
    if (this.#running === undefined || !this.hasRoom) return;
    this.#waiting.push(task);
    this.#working ??= this.#work(this.#running.signal);
  }

  async #work(signal: AbortSignal): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        await this.#idle(signal);
        await this.#waiting.shift()?.(signal);
      }
    } catch {
      // stopped
    } finally {
      this.#working = undefined;
    }
  }

  async #idle(signal: AbortSignal): Promise<void> {
    const latest = this.#clock.monotonic() + LONGEST_WAIT_MS;
    for (;;) {
      const now = this.#clock.monotonic();
      const idle = (this.#calls > 0 ? now : this.#lastCall) + IDLE_MS;
      const left = Math.min(idle, latest) - now;
      if (left <= 0) return;
      await this.#clock.sleep(left, signal);
    }
  }
}

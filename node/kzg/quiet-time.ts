import type { Clock } from '../clock.ts';

export interface QuietTimeOptions {
  readonly clock: Pick<Clock, 'sleep'>;
  /** Calls that must have ended before. */
  readonly after: number;
  /** Milliseconds without a call. */
  readonly quietMs: number;
  /** Its signal aborts when a call begins, which it must not disturb nor be disturbed by, or the owner stops. Never rejects. */
  readonly task: (signal: AbortSignal) => Promise<void>;
}

/** Runs a task when enough calls have ended and none has run for a while; once, unless a call interrupts it. */
export class QuietTime {
  readonly #options: QuietTimeOptions;
  #running = 0;
  #ended = 0;
  #done = false;
  #stopped = false;
  /** Aborts the wait and the task after it. */
  #quiet: AbortController | undefined;
  #task: Promise<void> | undefined;

  constructor(options: QuietTimeOptions) {
    this.#options = options;
  }

  enter(): void {
    this.#running++;
    this.#end('a call begins');
  }

  leave(): void {
    this.#running--;
    this.#ended++;
    if (this.#done || this.#stopped || this.#running > 0 || this.#ended < this.#options.after) return;
    const quiet = new AbortController();
    this.#quiet = quiet;
    this.#wait(quiet.signal).catch(() => {}); // rejects when another call begins
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#end('the engine stops');
    await this.#task;
  }

  #end(reason: string): void {
    this.#quiet?.abort(new Error(reason));
    this.#quiet = undefined;
  }

  async #wait(signal: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(this.#options.quietMs, signal);
    await this.#task; // the one that a call interrupted
    signal.throwIfAborted();
    this.#task = this.#options.task(signal);
    await this.#task;
    if (!signal.aborted) this.#done = true;
  }
}

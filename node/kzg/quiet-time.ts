import type { Clock } from '../clock.ts';

export interface QuietTimeOptions {
  readonly clock: Pick<Clock, 'sleep'>;
  /** Calls that must have ended before. */
  readonly after: number;
  /** Milliseconds without a call. */
  readonly quietMs: number;
  /** Its signal aborts when the owner stops. Never rejects. */
  readonly task: (signal: AbortSignal) => Promise<void>;
}

/** Runs a task once, when enough calls have ended and none has run for a while. */
export class QuietTime {
  readonly #options: QuietTimeOptions;
  readonly #stopping = new AbortController();
  #running = 0;
  #ended = 0;
  #done = false;
  #waiting: AbortController | undefined;
  #task: Promise<void> | undefined;

  constructor(options: QuietTimeOptions) {
    this.#options = options;
  }

  enter(): void {
    this.#running++;
    this.#waiting?.abort();
    this.#waiting = undefined;
  }

  leave(): void {
    this.#running--;
    this.#ended++;
    if (this.#done || this.#running > 0 || this.#ended < this.#options.after || this.#stopping.signal.aborted) return;
    const waiting = new AbortController();
    this.#waiting = waiting;
    this.#wait(waiting.signal).catch(() => {}); // rejects when another call begins
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the engine stops'));
    this.#waiting?.abort();
    await this.#task;
  }

  async #wait(signal: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(this.#options.quietMs, signal);
    this.#done = true;
    this.#waiting = undefined;
    this.#task = this.#options.task(this.#stopping.signal);
  }
}

import { abortable } from './transfer/abortable.ts';

/** Work that several callers wait for: it goes on while one of them is still there. */
export class SharedWork<T> {
  readonly #given = new AbortController();
  readonly #onAbandoned: () => void;
  readonly #result: Promise<T>;
  #waiting = 0;

  /** `onAbandoned` is called when the last caller gave up; nobody may join after that. */
  constructor(work: (signal: AbortSignal) => Promise<T>, onAbandoned: () => void) {
    this.#onAbandoned = onAbandoned;
    this.#result = work(this.#given.signal);
    this.#result.catch(() => undefined);
  }

  /** @throws what the work throws; the signal's reason. */
  async join(signal: AbortSignal): Promise<T> {
    this.#waiting++;
    try {
      return await abortable(this.#result, signal);
    } finally {
      this.#waiting--;
      if (this.#waiting === 0 && signal.aborted) {
        this.#onAbandoned();
        this.#given.abort(signal.reason);
      }
    }
  }
}

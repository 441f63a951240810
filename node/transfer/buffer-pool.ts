import { abortable } from './abortable.ts';

/**
 * A fixed number of buffers of one size. Whoever finds none waits for the next to come back: this is what bounds the
 * memory of an upload. Contents are whatever the last user left.
 */
export class BufferPool {
  readonly #bytes: number;
  readonly #free: Uint8Array[] = [];
  readonly #waiting: ((buffer: Uint8Array) => void)[] = [];
  #unmade: number;

  constructor(count: number, bytes: number) {
    this.#unmade = count;
    this.#bytes = bytes;
  }

  async acquire(signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#unmade > 0) {
      this.#unmade--;
      return new Uint8Array(this.#bytes);
    }
    const { promise, resolve } = Promise.withResolvers<Uint8Array>();
    this.#waiting.push(resolve);
    try {
      return await abortable(promise, signal);
    } catch (error) {
      const position = this.#waiting.indexOf(resolve);
      if (position >= 0) this.#waiting.splice(position, 1);
      else promise.then((buffer) => this.release(buffer));
      throw error;
    }
  }

  release(buffer: Uint8Array): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(buffer);
    else next(buffer);
  }
}

import { abortable } from './transfer/abortable.ts';

/** Runs work that shares a key one after the other; work of different keys side by side. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** @throws the signal's reason, at once, when aborted before its turn; what `work` throws. */
  async run<T>(key: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    let begun = false;
    const mine = before.then(() => {
      signal?.throwIfAborted();
      begun = true;
      return work();
    });
    const tail = mine.then(
      () => undefined,
      () => undefined,
    );
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    if (signal === undefined) return mine;
    // Who waits may leave; who has begun is waited for, so that what is shared is left whole.
    await abortable(before, signal).catch((error: unknown) => {
      if (!begun) throw error;
    });
    return mine;
  }
}

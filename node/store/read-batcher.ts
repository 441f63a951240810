type Value = Uint8Array | undefined;

interface Waiting {
  readonly key: Uint8Array;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

/** Values of 128 KiB: a batch is read by one thread, one after the other, so it stays short. */
const MAX_BATCH = 4;

/**
 * Reads asked for in one turn of the event loop go to the database together: the way to another thread and back costs the
 * event loop 0.1 ms, as much as the reading itself.
 */
export class ReadBatcher {
  readonly #readMany: (keys: readonly Uint8Array[]) => Promise<readonly Value[]>;
  #waiting: Waiting[] = [];

  constructor(readMany: (keys: readonly Uint8Array[]) => Promise<readonly Value[]>) {
    this.#readMany = readMany;
  }

  get(key: Uint8Array): Promise<Value> {
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    this.#waiting.push({ key, resolve, reject });
    if (this.#waiting.length === 1) queueMicrotask(() => this.#flush());
    else if (this.#waiting.length === MAX_BATCH) this.#flush();
    return promise;
  }

  #flush(): void {
    const batch = this.#waiting.splice(0);
    if (batch.length > 0) void this.#read(batch);
  }

  async #read(batch: readonly Waiting[]): Promise<void> {
    try {
      const values = await this.#readMany(batch.map(({ key }) => key));
      for (const [i, { resolve }] of batch.entries()) resolve(values[i]);
    } catch (error) {
      const [only, ...others] = batch;
      if (others.length === 0) only?.reject(error);
      // One damaged value fails the whole batch: alone, each gets its own answer.
      else for (const waiting of batch) void this.#read([waiting]);
    }
  }
}

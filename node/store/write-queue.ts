import { StoreError } from './errors.ts';

export type Operation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

export interface WriteTask {
  /** What the task holds in memory until it is written. */
  readonly bytes: number;
  /** Alone in its batch: it reads the database, sees all that came before, and may refuse by throwing. Others must not throw. */
  readonly exclusive: boolean;
  /** May use the ballast of a full disk, and is tried again once when the disk turns out to be full: small writes and deletes. */
  readonly essential: boolean;
  build(): readonly Operation[] | Promise<readonly Operation[]>;
}

export interface Enqueued {
  /** Resolves when the queue has room for the task. Never rejects. */
  readonly accepted: Promise<void>;
  /** Resolves when the task's batch is synced. */
  readonly durable: Promise<void>;
}

export interface BatchWriter {
  /** Before the tasks of a batch are built; undefined when there is nothing to wait for. */
  prepare?(): Promise<void> | undefined;
  /** Writes one synced batch. */
  write(operations: readonly Operation[]): Promise<void>;
  /** Operations that belong to the whole batch (counters), asked for once after its tasks were built. */
  seal?(): readonly Operation[];
  /** The batch is durable, or nothing of it counts. */
  settle?(ok: boolean): void;
}

interface Pending {
  readonly task: WriteTask;
  readonly accept: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One writer for one database. Tasks that arrive while a batch is being synced share the next one: measured 2,000 synced
 * writes a second alone and 6,200 in eights. Order is kept; at most `maxPendingBytes` are accepted and not yet durable.
 */
export class WriteQueue {
  readonly #writer: BatchWriter;
  readonly #maxBatchBytes: number;
  readonly #maxPendingBytes: number;
  readonly #waiting: Pending[] = [];
  readonly #queue: Pending[] = [];
  #pendingBytes = 0;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(writer: BatchWriter, limits: { readonly maxBatchBytes: number; readonly maxPendingBytes: number }) {
    this.#writer = writer;
    this.#maxBatchBytes = limits.maxBatchBytes;
    this.#maxPendingBytes = limits.maxPendingBytes;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  enqueue(task: WriteTask): Enqueued {
    if (this.#closed) {
      return { accepted: Promise.resolve(), durable: Promise.reject(new StoreError({ code: 'closed' })) };
    }
    const accepted = Promise.withResolvers<void>();
    const durable = Promise.withResolvers<void>();
    this.#waiting.push({ task, accept: accepted.resolve, resolve: durable.resolve, reject: durable.reject });
    this.#admit();
    this.#running ??= this.#run();
    return { accepted: accepted.promise, durable: durable.promise };
  }

  /** Takes no more and resolves when all that was taken is settled. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  #admit(): void {
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined) return;
      const fits = this.#pendingBytes === 0 || this.#pendingBytes + next.task.bytes <= this.#maxPendingBytes;
      if (!fits) return;
      this.#waiting.shift();
      this.#pendingBytes += next.task.bytes;
      this.#queue.push(next);
      next.accept();
    }
  }

  #take(): Pending[] {
    if (this.#queue[0]?.task.exclusive) return this.#queue.splice(0, 1);
    let bytes = 0;
    let count = 0;
    for (const { task } of this.#queue) {
      if (task.exclusive || (count > 0 && bytes + task.bytes > this.#maxBatchBytes)) break;
      bytes += task.bytes;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #run(): Promise<void> {
    // One turn of the event loop lets callers that start together share the first batch too.
    await Promise.resolve();
    let before: (() => void) | undefined;
    for (;;) {
      if (this.#queue.length === 0) {
        before?.();
        before = undefined;
      }
      if (this.#queue.length === 0) break;
      const batch = this.#take();
      const writing = this.#writeBatch(batch);
      // The disk works again before callers learn of the batch before: what they do next, hashing, takes as long.
      before?.();
      const failure = await failureOf(writing);
      before = () => this.#settle(batch, failure);
    }
    this.#running = undefined;
  }

  #settle(batch: readonly Pending[], failure: { readonly error: unknown } | undefined): void {
    for (const { task, resolve, reject } of batch) {
      this.#pendingBytes -= task.bytes;
      if (failure === undefined) resolve();
      else reject(failure.error);
    }
    this.#admit();
  }

  async #writeBatch(batch: readonly Pending[]): Promise<void> {
    try {
      await this.#attempt(batch);
    } catch (error) {
      const full = error instanceof StoreError && error.code === 'disk-full';
      if (!full || !batch.every(({ task }) => task.essential)) throw error;
      await this.#attempt(batch);
    }
  }

  async #attempt(batch: readonly Pending[]): Promise<void> {
    let ok = false;
    try {
      const preparing = this.#writer.prepare?.();
      if (preparing !== undefined) await preparing;
      const operations: Operation[] = [];
      for (const { task } of batch) {
        const built = task.build();
        operations.push(...(built instanceof Promise ? await built : built));
      }
      if (operations.length > 0) await this.#writer.write([...operations, ...(this.#writer.seal?.() ?? [])]);
      ok = true;
    } finally {
      this.#writer.settle?.(ok);
    }
  }
}

/** Undefined when the work succeeds. */
async function failureOf(work: Promise<void>): Promise<{ readonly error: unknown } | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return { error };
  }
}

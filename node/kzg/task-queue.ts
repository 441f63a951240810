import { KzgError } from './engine.ts';

interface Task {
  start(): void;
  reject(reason: unknown): void;
}

export interface TaskOptions {
  readonly signal?: AbortSignal | undefined;
  /** Goes before all tasks that are not urgent. */
  readonly urgent?: boolean;
}

/** Runs at most `concurrency` tasks at a time; at most `limit` more may wait. */
export class TaskQueue {
  readonly #concurrency: number;
  readonly #limit: number;
  readonly #urgent = new Set<Task>();
  readonly #waiting = new Set<Task>();
  #running = 0;
  #stopped: { readonly reason: unknown } | undefined;

  constructor(concurrency: number, limit: number) {
    this.#concurrency = concurrency;
    this.#limit = limit;
  }

  /** Tasks that wait. */
  get queued(): number {
    return this.#urgent.size + this.#waiting.size;
  }

  /**
   * On abort a waiting task is taken out, a running one's result is dropped (its place is free when it ends).
   * @throws KzgError `queue-full`, the signal's reason, that of `stop`, or what the task throws
   */
  run<T>(task: () => Promise<T>, { signal, urgent = false }: TaskOptions = {}): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped.reason);
    if (this.#running >= this.#concurrency && this.queued >= this.#limit) return Promise.reject(queueFull(this.#limit));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const queue = urgent ? this.#urgent : this.#waiting;
    const onAbort = () => {
      queue.delete(entry);
      reject(signal?.reason);
    };
    const unlink = () => signal?.removeEventListener('abort', onAbort);
    const entry: Task = {
      reject: (reason) => {
        unlink();
        reject(reason);
      },
      start: () => {
        task()
          .then(resolve, reject)
          .finally(() => {
            unlink();
            this.#running--;
            this.#dispatch();
          });
      },
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    queue.add(entry);
    this.#dispatch();
    return promise;
  }

  /** Rejects what waits, and whatever comes; what runs goes on to its end. */
  stop(reason: unknown): void {
    this.#stopped ??= { reason };
    const waiting = [...this.#urgent, ...this.#waiting];
    this.#urgent.clear();
    this.#waiting.clear();
    for (const task of waiting) task.reject(reason);
  }

  #dispatch(): void {
    while (this.#running < this.#concurrency) {
      const queue = this.#urgent.size > 0 ? this.#urgent : this.#waiting;
      const [entry] = queue;
      if (entry === undefined) return;
      queue.delete(entry);
      this.#running++;
      entry.start();
    }
  }
}

function queueFull(limit: number): KzgError {
  return new KzgError({ code: 'queue-full', limit }, `${limit} KZG jobs are waiting already; try again later`);
}

import { Worker } from 'node:worker_threads';
import { CodeError } from '../../protocol/code.ts';
import type { GfKernel, StripeSource } from '../../protocol/codes/gf256.ts';

/** What the worker is asked; the stripe's buffer changes threads with it, both ways, without a copy. */
export interface GfJob {
  readonly id: number;
  readonly stripe: Uint8Array;
  readonly k: number;
  readonly m: number;
  /** Reconstruct from these (k+m flags); encode when absent. */
  readonly present?: readonly boolean[];
  /** Recompute parity after a reconstruction. */
  readonly parity?: boolean;
}

/** `result` is one of the library's RESULT_* numbers, 0 is good. */
export type GfReply =
  | { readonly id: number; readonly result: number; readonly stripe: Uint8Array; readonly error?: never }
  | { readonly id: number; readonly error: string; readonly stripe?: never };

interface Pending {
  readonly resolve: (stripe: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

type Work = Omit<GfJob, 'id' | 'stripe'>;

interface Waiting extends Pending {
  readonly work: Work;
  readonly source: StripeSource;
}

/** One stripe in work and one ready, so that the worker never idles between two. */
const POSTED = 2;
/** Callers are pipelines that work on a few stripes; more than this waiting is a runaway. */
const DEFAULT_MAX_WAITING = 256;

/**
 * Code 2 in a worker thread of its own (a 16+8 stripe takes 14 ms), which starts with the first stripe and loads the
 * library once. A byte is copied twice in the worker at most: into the library's memory, and out when it is a result.
 */
export class ReedSolomon implements GfKernel {
  readonly #maxWaiting: number;
  readonly #posted = new Map<number, Pending>();
  readonly #waiting: Waiting[] = [];
  #worker: Worker | undefined;
  #stopped = false;
  #nextId = 0;

  constructor({ maxWaiting = DEFAULT_MAX_WAITING }: { readonly maxWaiting?: number } = {}) {
    this.#maxWaiting = maxWaiting;
  }

  encode(stripe: StripeSource, k: number, m: number, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#submit(stripe, { k, m }, signal);
  }

  reconstruct(
    stripe: StripeSource,
    k: number,
    m: number,
    present: readonly boolean[],
    parity: boolean,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    return this.#submit(stripe, { k, m, present, parity }, signal);
  }

  /** Allows work again after `stop`. The worker itself starts with the first stripe. */
  async start(): Promise<void> {
    this.#stopped = false;
  }

  /** Ends the worker; what is under way is rejected with 'kernel-stopped'. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const worker = this.#worker;
    this.#fail(new CodeError({ code: 'kernel-stopped' }, 'the erasure code was stopped while it worked'));
    await worker?.terminate();
  }

  async #submit(source: StripeSource, work: Work, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted();
    if (this.#stopped) throw new CodeError({ code: 'kernel-stopped' }, 'the erasure code is stopped: start the node');
    if (this.#waiting.length >= this.#maxWaiting) {
      const type = { code: 'kernel-busy', waiting: this.#waiting.length } as const;
      throw new CodeError(type, `${type.waiting} stripes wait to be coded already: try again when some are done`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const waiting = { work, source, resolve, reject };
    const abort = () => {
      const at = this.#waiting.indexOf(waiting);
      if (at >= 0) this.#waiting.splice(at, 1);
      // A stripe in work runs to its end in a few milliseconds; its result is dropped.
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
    this.#waiting.push(waiting);
    this.#post();
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  #post(): void {
    while (this.#posted.size < POSTED) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const id = this.#nextId++;
      try {
        const job: GfJob = { id, stripe: next.source(), ...next.work };
        this.#worker ??= this.#startWorker();
        this.#worker.postMessage(job, [job.stripe.buffer as ArrayBuffer]);
        this.#worker.ref();
        this.#posted.set(id, next);
      } catch (error) {
        next.reject(error);
      }
    }
  }

  #startWorker(): Worker {
    const worker = new Worker(new URL('./gf256-worker.ts', import.meta.url));
    worker.on('message', (reply: GfReply) => this.#settle(reply));
    worker.on('error', (cause) => {
      if (worker !== this.#worker) return;
      const message = 'the worker of the erasure code died; the next stripe starts another';
      this.#fail(new CodeError({ code: 'kernel-failed' }, message, { cause }));
    });
    return worker;
  }

  #settle(reply: GfReply): void {
    const pending = this.#posted.get(reply.id);
    this.#posted.delete(reply.id);
    if (reply.error !== undefined) {
      pending?.reject(new CodeError({ code: 'kernel-failed' }, `the erasure code failed: ${reply.error}`));
    } else if (reply.result !== 0) {
      const type = { code: 'kernel-failed', result: reply.result } as const;
      pending?.reject(new CodeError(type, `the erasure code refused a stripe with result ${reply.result}`));
    } else {
      pending?.resolve(reply.stripe);
    }
    this.#post();
    // An idle worker keeps no process alive.
    if (this.#posted.size === 0) this.#worker?.unref();
  }

  #fail(error: CodeError): void {
    this.#worker = undefined;
    const pending = [...this.#posted.values(), ...this.#waiting];
    this.#posted.clear();
    this.#waiting.length = 0;
    for (const { reject } of pending) reject(error);
  }
}

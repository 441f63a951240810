import { Worker } from 'node:worker_threads';
import { type Clock, systemClock } from '../clock.ts';
import { KzgError } from './engine.ts';
import type { EndMessage, JobMessage, JobReply, JobTable } from './job-protocol.ts';
import { portable } from './portable.ts';

export interface WorkerPoolOptions {
  /** The module that every worker runs; it calls `serveJobs`. */
  readonly module: URL;
  readonly threads: number;
  /** Jobs that may wait for a worker; one more is refused with `queue-full`. */
  readonly queueLimit: number;
  readonly workerData?: unknown;
  readonly clock?: Clock;
  /** How long `stop` waits for what a thread is doing before it is cut off, milliseconds. */
  readonly stopGraceMs?: number;
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** Goes before all jobs that are not urgent. */
  readonly urgent?: boolean;
  /** Runs on the first thread only, before what is urgent: for short jobs that need what takes a thread long to load. */
  readonly first?: boolean;
}

interface Job {
  readonly op: string;
  readonly input: unknown;
  /** Settle the caller's promise, once; later calls do nothing. */
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Member {
  readonly worker: Worker;
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>;
  job: Job | undefined;
}

/** Four times what the longest call, the one that loads a trusted setup, takes on a slow machine. */
const STOP_GRACE_MS = 20_000;

/** The module `name` beside `base`, with the extension this code runs with: `.ts` from source, `.js` when compiled. */
export function siblingModule(name: string, base: string): URL {
  return new URL(`./${name}${base.endsWith('.ts') ? '.ts' : '.js'}`, base);
}

/**
 * Worker threads that each do one job at a time. Threads start when there is a job and no idle thread, up to `threads`,
 * and stay; idle ones do not keep the process alive. A thread that ends takes only its own job with it.
 */
export class WorkerPool<T extends JobTable<T>> {
  readonly #options: WorkerPoolOptions;
  readonly #members = new Set<Member>();
  readonly #first = new Set<Job>();
  readonly #urgent = new Set<Job>();
  readonly #waiting = new Set<Job>();
  #running = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Jobs that wait for a worker. */
  get queued(): number {
    return this.#first.size + this.#urgent.size + this.#waiting.size;
  }

  get workers(): number {
    return this.#members.size;
  }

  start(): void {
    this.#running = true;
  }

  /** Rejects every job with `stopped` and ends the threads, each when it is done with what it is doing. */
  async stop(): Promise<void> {
    this.#running = false;
    const members = [...this.#members];
    this.#members.clear();
    const jobs = [...this.#first, ...this.#urgent, ...this.#waiting, ...members.flatMap(({ job }) => job ?? [])];
    this.#first.clear();
    this.#urgent.clear();
    this.#waiting.clear();
    for (const job of jobs) job.reject(stopped());
    await Promise.all(members.map((member) => this.#end(member)));
  }

  /**
   * The thread ends itself, between two jobs. To cut it off inside an addon would end the whole process: node-addon-api
   * throws a C++ exception that nobody catches where it cannot call JavaScript any more.
   */
  async #end({ worker, ended }: Member): Promise<void> {
    const { clock = systemClock, stopGraceMs = STOP_GRACE_MS } = this.#options;
    const settled = new AbortController();
    worker.postMessage({ end: true } satisfies EndMessage);
    const late = clock.sleep(stopGraceMs, settled.signal).catch(() => {});
    await Promise.race([ended, late]);
    settled.abort();
    await worker.terminate();
  }

  /**
   * The bytes of `input` are copied when a worker takes the job (not at all if they are in shared memory), and must not
   * change before the promise settles. On abort a waiting job is taken out, a running one's result is discarded.
   * @throws KzgError `stopped` | `queue-full` | `worker-crashed` | what the worker threw
   */
  run<K extends keyof T & string>(op: K, input: T[K]['input'], options: RunOptions = {}): Promise<T[K]['output']> {
    const { signal, urgent = false, first = false } = options;
    const { promise, resolve, reject } = Promise.withResolvers<T[K]['output']>();
    if (!this.#running) return Promise.reject(stopped());
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.queued >= this.#options.queueLimit && this.#idle(first) === undefined) {
      return Promise.reject(queueFull(this.#options.queueLimit));
    }
    const queue = first ? this.#first : urgent ? this.#urgent : this.#waiting;
    const onAbort = () => {
      queue.delete(job);
      reject(signal?.reason);
    };
    const unlink = () => signal?.removeEventListener('abort', onAbort);
    const job: Job = {
      op,
      input,
      resolve: (output) => {
        unlink();
        resolve(output as T[K]['output']);
      },
      reject: (error) => {
        unlink();
        reject(error);
      },
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    queue.add(job);
    this.#dispatch();
    return promise;
  }

  #idle(first = false): Member | undefined {
    for (const member of this.#members) {
      if (member.job === undefined) return member;
      if (first) return undefined;
    }
    return this.#members.size < this.#options.threads ? this.#spawn() : undefined;
  }

  #dispatch(): void {
    while (this.#running) {
      if (this.#handOver(this.#first, true)) continue;
      if (!this.#handOver(this.#urgent.size > 0 ? this.#urgent : this.#waiting, false)) return;
    }
  }

  /** Gives the next job of the queue to a thread; whether there were both. */
  #handOver(queue: Set<Job>, first: boolean): boolean {
    const [job] = queue;
    const member = job && this.#idle(first);
    if (job === undefined || member === undefined) return false;
    queue.delete(job);
    this.#assign(member, job);
    return true;
  }

  #assign(member: Member, job: Job): void {
    try {
      const { value, transfer } = portable(job.input);
      member.worker.postMessage({ op: job.op, input: value } satisfies JobMessage, transfer);
      member.job = job;
      member.worker.ref();
    } catch (error) {
      job.reject(error);
    }
  }

  #spawn(): Member {
    // Without flags of the process that make sense for its main module only (`--input-type`, `--import`, …).
    const worker = new Worker(this.#options.module, { workerData: this.#options.workerData, execArgv: [] });
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const member: Member = { worker, ended, job: undefined };
    let cause: unknown;
    worker.unref();
    worker.on('message', (reply: JobReply) => this.#settle(member, reply));
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', (exitCode) => {
      end();
      if (!this.#members.delete(member)) return;
      member.job?.reject(crashed(exitCode, cause));
      this.#dispatch();
    });
    this.#members.add(member);
    return member;
  }

  #settle(member: Member, reply: JobReply): void {
    const { job } = member;
    member.job = undefined;
    member.worker.unref();
    if ('error' in reply) job?.reject(remoteError(reply.error));
    else job?.resolve(reply.output);
    this.#dispatch();
  }
}

function remoteError({ type, message }: { type?: KzgError['type']; message: string }): KzgError {
  return new KzgError(type ?? { code: 'backend-failed' }, message);
}

function stopped(): KzgError {
  return new KzgError({ code: 'stopped' }, 'the KZG engine is not running');
}

function queueFull(limit: number): KzgError {
  return new KzgError({ code: 'queue-full', limit }, `${limit} KZG jobs are waiting already; try again later`);
}

function crashed(exitCode: number, cause: unknown): KzgError {
  return new KzgError(
    { code: 'worker-crashed' },
    `a KZG worker thread ended (exit code ${exitCode}) before its job was done; the job may be tried again`,
    { cause },
  );
}

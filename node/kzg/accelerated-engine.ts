import type { RandomBytes } from '../random.ts';
import { batchCheck } from './batch-check.ts';
import type { BatchPair, BlobAccumulator, KzgEngine, KzgErrorType, Opening } from './engine.ts';
import { KzgError } from './engine.ts';

/** A fast kernel: what it lacks is done by the library. */
export interface Accelerator
  extends Pick<KzgEngine, 'commit' | 'open'>,
    Partial<Pick<KzgEngine, 'accumulator' | 'linearMap' | 'combineCommitments' | 'invalidCommitments'>> {
  readonly name: string;
}

export interface AcceleratedEngineOptions {
  /** Audited, slower, and the only one that verifies. */
  readonly library: KzgEngine;
  /** The kernels of this machine, the fastest first; called once `library` has started. Never rejects. */
  readonly accelerators: () => Promise<readonly Accelerator[]>;
  readonly random: RandomBytes;
  /** Told of a kernel that failed and is used no more. */
  readonly onDropped: (name: string, error: unknown) => void;
}

/** What these say is about the input or the load: another kernel would say the same. */
const NOT_THE_KERNEL: ReadonlySet<KzgErrorType['code']> = new Set([
  'non-canonical-element',
  'invalid-length',
  'invalid-commitment',
  'invalid-argument',
  'queue-full',
  'stopped',
]);

/**
 * Commits, opens and combines with the fastest kernel that works here, and verifies with the library: what a kernel
 * computes is checked by the verification of others, and what fails goes to the next kernel in the same call.
 */
export class AcceleratedEngine implements KzgEngine {
  readonly #options: AcceleratedEngineOptions;
  #accelerators: Accelerator[] = [];
  #ready: Promise<void> = Promise.resolve();

  constructor(options: AcceleratedEngineOptions) {
    this.#options = options;
  }

  get threads(): number {
    return this.#options.library.threads;
  }

  /** `native, verified by c-kzg`. */
  get backend(): string {
    const { backend } = this.#options.library;
    const kernel = this.#accelerators[0];
    return kernel === undefined ? backend : `${kernel.name}, verified by ${backend}`;
  }

  /** Kernels load in the background; the first call that needs one waits for them (0.3 s). */
  async start(): Promise<void> {
    await this.#options.library.start();
    this.#ready = this.#options.accelerators().then((kernels) => {
      this.#accelerators = [...kernels];
    });
  }

  async stop(): Promise<void> {
    await this.#ready;
    this.#accelerators = [];
    await this.#options.library.stop();
  }

  commit(blob: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#fastest((engine) => engine.commit(blob, signal), signal);
  }

  open(blob: Uint8Array, z: Uint8Array, signal?: AbortSignal): Promise<Opening> {
    return this.#fastest((engine) => engine.open(blob, z, signal), signal);
  }

  linearMap(
    rows: readonly (readonly bigint[])[],
    blobs: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<Uint8Array[]> {
    return this.#fastest((engine) => engine.linearMap?.(rows, blobs, signal), signal);
  }

  combineCommitments(
    coefficients: readonly bigint[],
    commitments: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    return this.#fastest((engine) => engine.combineCommitments?.(coefficients, commitments, signal), signal);
  }

  invalidCommitments(commitments: readonly Uint8Array[], signal?: AbortSignal): Promise<number[]> {
    return this.#fastest((engine) => engine.invalidCommitments?.(commitments, signal), signal);
  }

  accumulator(): BlobAccumulator {
    return this.#accelerators[0]?.accumulator?.() ?? this.#options.library.accumulator();
  }

  combine(...args: Parameters<KzgEngine['combine']>): Promise<Uint8Array> {
    return this.#options.library.combine(...args);
  }

  verify(...args: Parameters<KzgEngine['verify']>): Promise<boolean> {
    return this.#options.library.verify(...args);
  }

  batchCheck(pairs: readonly BatchPair[], signal?: AbortSignal): Promise<number[]> {
    return batchCheck(this, this.#options.random, pairs, signal);
  }

  async #fastest<T>(
    call: (engine: Accelerator | KzgEngine) => Promise<T> | undefined,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    await this.#ready;
    for (const kernel of [...this.#accelerators]) {
      try {
        const result = await call(kernel);
        if (result !== undefined) return result;
      } catch (error) {
        if (signal?.aborted || (error instanceof KzgError && NOT_THE_KERNEL.has(error.code))) throw error;
        this.#drop(kernel, error);
      }
    }
    return (await call(this.#options.library)) as T;
  }

  #drop(kernel: Accelerator, error: unknown): void {
    const at = this.#accelerators.indexOf(kernel);
    if (at < 0) return;
    this.#accelerators.splice(at, 1);
    this.#options.onDropped(kernel.name, error);
  }
}

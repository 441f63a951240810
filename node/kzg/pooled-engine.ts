import { concat } from '../../protocol/bytes.ts';
import { COMMITMENT_BYTES, PROOF_BYTES } from '../../protocol/constants.ts';
import { isCanonical } from '../../protocol/field.ts';
import type { RandomBytes } from '../random.ts';
import type { LibraryEngine } from './accelerator.ts';
import { availableBackend, type BackendName, isInstalled } from './backend.ts';
import { batchCheck } from './batch-check.ts';
import { AccumulatorFactory } from './blob-accumulator.ts';
import { assertBlob, assertCommitmentLengths, assertPoint, assertSameLength } from './checks.ts';
import { combineBlobs } from './combine-blobs.ts';
import { surelyBad, wronglyAccused } from './confirm-bad.ts';
import {
  type BatchPair,
  type BlobAccumulator,
  type CheckedOperations,
  isNoPoint,
  KzgError,
  type Opening,
} from './engine.ts';
import type { ComputeJobs, GroupJobs } from './job-protocol.ts';
import { KernelTable, type Unavailable } from './kernel-table.ts';
import { assertMap } from './linear-map.ts';
import type { CandidateReport, Operation, OperationReport } from './operations.ts';
import { followed, wrongElement } from './spot-check.ts';
import { WasmKernel } from './wasm/wasm-kernel.ts';
import { siblingModule, WorkerPool } from './worker-pool.ts';

export interface PooledEngineOptions {
  readonly threads: number;
  readonly random: RandomBytes;
  readonly backends: readonly BackendName[];
  readonly queueLimit: number;
  readonly cachedPoints: number;
  /** Told of a library that failed; the next one of `backends` goes on. */
  readonly onDropped?: (name: string, reason: string) => void;
}

interface Running {
  /** The one in use. */
  library: BackendName;
  readonly compute: WorkerPool<ComputeJobs>;
  readonly group: WorkerPool<GroupJobs>;
}

/** The engine on worker threads: a pool for the library and the field kernel, one thread for the group. */
export class PooledEngine implements LibraryEngine {
  readonly #options: PooledEngineOptions;
  readonly #accumulators: AccumulatorFactory;
  #running: Running | undefined;
  #loaded = false;
  /** Libraries that failed. */
  readonly #failed: Unavailable[] = [];

  constructor(options: PooledEngineOptions) {
    this.#options = options;
    this.#accumulators = new AccumulatorFactory(undefined, (reason) => options.onDropped?.('wasm', reason));
  }

  get threads(): number {
    return this.#options.threads;
  }

  get backend(): string {
    return this.#running?.library ?? 'none';
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  get drops(): number {
    return this.#failed.length + (this.#accumulators.failure === undefined ? 0 : 1);
  }

  nameOf(operation: Operation): string {
    if (operation === 'commit' || operation === 'open') return this.backend;
    if (operation === 'combine' || operation === 'linearMap')
      return this.#accumulators.failure === undefined ? 'wasm' : 'plain';
    return 'mcl';
  }

  beside(operation: Operation): readonly CandidateReport[] {
    if (operation === 'combine' || operation === 'linearMap') {
      const { failure } = this.#accumulators;
      return failure === undefined ? [] : [{ backend: 'wasm', state: 'dropped', detail: failure }];
    }
    if (operation !== 'commit' && operation !== 'open') return [];
    const dropped = this.#failed.map(({ name, reason }) => ({
      backend: name,
      state: 'dropped' as const,
      detail: reason,
    }));
    const ready = this.#next().filter(isInstalled);
    return [
      ...dropped,
      ...ready.map((backend) => ({ backend, state: 'ready' as const, detail: 'stands by, not tried' })),
    ];
  }

  operations(): readonly OperationReport[] {
    return new KernelTable([], [], this).report();
  }

  /** Finds the library (milliseconds). Its trusted setup loads in the workers, when they are first needed. */
  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    const { backends, threads, queueLimit, cachedPoints } = this.#options;
    const library = await availableBackend(backends);
    const compute = new WorkerPool<ComputeJobs>({
      module: siblingModule('worker', import.meta.url),
      threads,
      queueLimit,
    });
    const group = new WorkerPool<GroupJobs>({
      module: siblingModule('group-worker', import.meta.url),
      threads: 1,
      queueLimit,
      workerData: { cachedPoints },
    });
    compute.start();
    group.start();
    this.#loaded = false;
    this.#running = { library, compute, group };
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await Promise.all([running?.compute.stop(), running?.group.stop()]);
  }

  async commit(blob: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    assertBlob(blob);
    return this.#asked((library, { compute }) => compute.run('commit', { library, blob }, { signal }));
  }

  async open(blob: Uint8Array, z: Uint8Array, signal?: AbortSignal): Promise<Opening> {
    assertBlob(blob);
    assertPoint(z);
    const options = { signal, urgent: true };
    return this.#asked((library, { compute }) => compute.run('open', { library, blob, z }, options));
  }

  async verify(
    commitment: Uint8Array,
    z: Uint8Array,
    y: Uint8Array,
    proof: Uint8Array,
    signal?: AbortSignal,
  ): Promise<boolean> {
    assertPoint(z);
    assertCommitmentLengths([commitment]);
    if (proof.length !== PROOF_BYTES || !isCanonical(y)) {
      return this.#falseFor(commitment, signal);
    }
    return this.#asked(async (library, { compute }) => {
      // A thread verifies 700 openings in a second, and each that does may have to load a setup, in two.
      const options = { signal, first: true };
      const answer = await compute.run('verify', { library, commitment, z, y, proof }, options);
      if (answer !== 'refused') return answer;
      // A refusal must never pass for a wrong proof: find out which input is malformed.
      const [malformed] = await this.invalidCommitments([commitment, proof], signal);
      if (malformed === 0) throw invalidCommitment();
      if (malformed === 1) return false;
      throw new KzgError({ code: 'backend-failed' }, `${library} refused to verify a well-formed opening`);
    });
  }

  async checkOpening(commitment: Uint8Array, z: Uint8Array, opening: Opening, signal?: AbortSignal): Promise<boolean> {
    assertPoint(z);
    // The group takes 34 MB when it is first used: not beside a library that is there already.
    if (this.#loaded) {
      return this.verify(commitment, z, opening.y, opening.proof, signal).catch((error: unknown) => {
        if (isNoPoint(error)) return false;
        throw error;
      });
    }
    return this.#pools().group.run('opens', { commitment, z, ...opening }, { signal, urgent: true });
  }

  /** Commitments and openings in WebAssembly on the same threads. */
  wasmKernel(): WasmKernel {
    return new WasmKernel(this.#pools().compute);
  }

  accumulator(): BlobAccumulator {
    const sum = this.#accumulators.create();
    if (this.#accumulators.failure !== undefined) return sum;
    return followed(sum, this.#options.random, () => {
      const reason = 'a sum of blobs differs from plain arithmetic';
      this.#accumulators.fail(reason);
      throw new KzgError({ code: 'backend-failed' }, `the field kernel computes wrong results: ${reason}`);
    });
  }

  /** The library and the group are what others are checked against; the sums are compared with exact ones. */
  checked(): CheckedOperations {
    return {
      commit: (blob, signal) => this.commit(blob, signal),
      open: (blob, z, signal) => this.open(blob, z, signal),
      combineCommitments: (coefficients, commitments, signal) =>
        this.combineCommitments(coefficients, commitments, signal),
      accumulator: () => this.#accumulators.checked(),
    };
  }

  combine(coefficients: readonly bigint[], blobs: readonly Uint8Array[], signal?: AbortSignal): Promise<Uint8Array> {
    return this.#untilSound(() => combineBlobs(() => this.accumulator(), coefficients, blobs, signal));
  }

  async linearMap(
    rows: readonly (readonly bigint[])[],
    blobs: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<Uint8Array[]> {
    assertMap(rows, blobs);
    const plain = this.#accumulators.failure !== undefined;
    const results = [...(await this.#pools().compute.run('map', { rows, blobs, plain }, { signal }))];
    const wrong = plain ? undefined : wrongElement(this.#options.random, rows, blobs, results);
    if (wrong === undefined) return results;
    this.#accumulators.fail(wrong);
    return this.linearMap(rows, blobs, signal);
  }

  async combineCommitments(
    coefficients: readonly bigint[],
    commitments: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    assertSameLength(coefficients, commitments);
    assertCommitmentLengths(commitments);
    const input = { coefficients, commitments: concat(...commitments) };
    return this.#pools().group.run('combine', input, { signal });
  }

  async invalidCommitments(commitments: readonly Uint8Array[], signal?: AbortSignal): Promise<number[]> {
    const wrongLength = new Set(commitments.keys().filter((i) => commitments[i]?.length !== COMMITMENT_BYTES));
    // Stand-ins that are never valid keep the positions.
    const packed = concat(
      ...commitments.map((bytes, i) => (wrongLength.has(i) ? new Uint8Array(COMMITMENT_BYTES) : bytes)),
    );
    return [...(await this.#pools().group.run('invalid', { commitments: packed }, { signal }))];
  }

  /** No pair is called bad on the word of the field kernel or the group alone. */
  async batchCheck(pairs: readonly BatchPair[], signal?: AbortSignal): Promise<number[]> {
    const bad = await this.#untilSound(() => batchCheck(this, this.#options.random, pairs, signal));
    const good = await wronglyAccused(this, pairs, bad, signal);
    return good === undefined ? bad : surelyBad(this, pairs, bad, signal);
  }

  /** Runs `work` again when the field kernel was given up meanwhile: it may have had a part in the result. */
  async #untilSound<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      const { failure } = this.#accumulators;
      try {
        const result = await work();
        if (this.#accumulators.failure === failure) return result;
      } catch (error) {
        if (this.#accumulators.failure === failure) throw error;
      }
    }
  }

  async #falseFor(commitment: Uint8Array, signal: AbortSignal | undefined): Promise<false> {
    const bad = await this.invalidCommitments([commitment], signal);
    if (bad.length > 0) throw invalidCommitment();
    return false;
  }

  /** Asks the library; when it fails on sound input, the next one that is there. */
  async #asked<T>(job: (library: BackendName, running: Running) => Promise<T>): Promise<T> {
    const running = this.#pools();
    for (;;) {
      const { library } = running;
      try {
        const answer = await job(library, running);
        this.#loaded = true;
        return answer;
      } catch (error) {
        if (!(error instanceof KzgError) || error.code !== 'backend-failed') throw error;
        if (running.library === library && !(await this.#useNext(running, error))) throw error;
      }
    }
  }

  async #useNext(running: Running, { message }: KzgError): Promise<boolean> {
    const failed = running.library;
    const next = await availableBackend(this.#next()).catch(() => undefined);
    if (next === undefined) return false;
    if (running.library !== failed) return true; // another call was quicker
    running.library = next;
    this.#failed.push({ name: failed, reason: message });
    this.#options.onDropped?.(failed, message);
    return true;
  }

  /** The libraries after the one in use. */
  #next(): readonly BackendName[] {
    const { backends } = this.#options;
    return this.#running === undefined ? [] : backends.slice(backends.indexOf(this.#running.library) + 1);
  }

  #pools(): Running {
    if (this.#running === undefined)
      throw new KzgError({ code: 'stopped' }, 'the KZG engine is not running: start it first');
    return this.#running;
  }
}

function invalidCommitment(): KzgError {
  return new KzgError(
    { code: 'invalid-commitment', index: 0, reason: 'not a canonical point of the subgroup' },
    'the commitment is not a canonical point of the prime-order subgroup',
  );
}

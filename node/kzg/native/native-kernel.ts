import { concat } from '../../../protocol/bytes.ts';
import { COMMITMENT_BYTES, FIELD_ELEMENT_BYTES } from '../../../protocol/constants.ts';
import { assertBlob, assertCommitmentLengths, assertPoint, assertSameLength } from '../checks.ts';
import { type BlobAccumulator, type KzgEngine, KzgError, type Opening } from '../engine.ts';
import { assertMap } from '../linear-map.ts';
import { centred } from '../short-coefficient.ts';
import { type TaskOptions, TaskQueue } from '../task-queue.ts';
import type { NativeBinding } from './binding.ts';
import { NativeAccumulators } from './native-accumulator.ts';
import { kzgErrorOf } from './native-error.ts';

/** The operations of the engine that this kernel has; the others are the verifier's. */
type EngineOperations = Pick<
  KzgEngine,
  'commit' | 'open' | 'accumulator' | 'linearMap' | 'combineCommitments' | 'invalidCommitments'
>;

/**
 * The addon behind the engine's interface. Work runs on the libuv pool, at most `threads` pieces at a time and `queueLimit`
 * waiting; inputs are copied when their turn comes, so they must not change before the promise settles, but may be
 * detached or shared without harm. On abort a waiting piece is taken out, a running one's result is dropped.
 */
export class NativeKernel implements EngineOperations {
  readonly name = 'native';
  /** Its tables are made before it is constructed. */
  readonly loaded = true;
  readonly #binding: NativeBinding;
  readonly #accumulators: NativeAccumulators;
  readonly #queue: TaskQueue;

  constructor(binding: NativeBinding, threads: number, queueLimit: number) {
    this.#binding = binding;
    this.#accumulators = new NativeAccumulators(binding);
    this.#queue = new TaskQueue(threads, queueLimit);
  }

  /** Pieces of work that wait. */
  get queued(): number {
    return this.#queue.queued;
  }

  /** What runs goes on to its end: milliseconds. */
  stop(): void {
    this.#queue.stop(new KzgError({ code: 'stopped' }, 'the native kernel is not used any more'));
  }

  async commit(blob: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    assertBlob(blob);
    return this.#run(() => this.#binding.commit(blob), { signal });
  }

  async open(blob: Uint8Array, z: Uint8Array, signal?: AbortSignal): Promise<Opening> {
    assertBlob(blob);
    assertPoint(z);
    const both = await this.#run(() => this.#binding.open(blob, z), { signal, urgent: true });
    return { y: both.slice(0, FIELD_ELEMENT_BYTES), proof: both.slice(FIELD_ELEMENT_BYTES) };
  }

  accumulator(): BlobAccumulator {
    return this.#accumulators.create();
  }

  async linearMap(
    rows: readonly (readonly bigint[])[],
    blobs: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<Uint8Array[]> {
    assertMap(rows, blobs);
    const coefficients = rows.flat().map(centred);
    return this.#run(() => this.#binding.linearMap(coefficients, rows.length, blobs), { signal });
  }

  async combineCommitments(
    coefficients: readonly bigint[],
    commitments: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const [sum] = await this.combineCommitmentRows([coefficients], commitments, signal);
    return sum as Uint8Array;
  }

  /** One commitment a row: Σ rows[j][i]·Cᵢ; the points are decoded once. */
  async combineCommitmentRows(
    rows: readonly (readonly bigint[])[],
    commitments: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<Uint8Array[]> {
    for (const row of rows) assertSameLength(row, commitments);
    assertCommitmentLengths(commitments);
    const coefficients = rows.flat().map(centred);
    const points = concat(...commitments);
    const sums = await this.#run(() => this.#binding.combineCommitments(coefficients, rows.length, points), { signal });
    return rows.map((_, j) => sums.slice(j * COMMITMENT_BYTES, (j + 1) * COMMITMENT_BYTES));
  }

  async invalidCommitments(commitments: readonly Uint8Array[], signal?: AbortSignal): Promise<number[]> {
    // Stand-ins of the right length that are never valid keep the positions.
    const standIn = new Uint8Array(COMMITMENT_BYTES);
    const points = concat(...commitments.map((bytes) => (bytes.length === COMMITMENT_BYTES ? bytes : standIn)));
    const bad = await this.#run(() => this.#binding.invalidCommitments(points), { signal });
    return [...bad.keys().filter((i) => bad[i] !== 0)];
  }

  async #run<T>(work: () => Promise<T>, options: TaskOptions): Promise<T> {
    try {
      return await this.#queue.run(async () => work(), options);
    } catch (error) {
      throw kzgErrorOf(error);
    }
  }
}

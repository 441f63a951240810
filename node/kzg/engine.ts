import type { FrKernel } from '../../protocol/codes/fr-lagrange.ts';
import { CodedError } from '../../protocol/errors.ts';
import type { OperationReport } from './operations.ts';

/** An opening of a blob's polynomial at a point z: `y = f(z)`, 32 bytes, and its proof, 48 bytes. */
export interface Opening {
  readonly y: Uint8Array;
  readonly proof: Uint8Array;
}

/**
 * One claim of a batch check. `load` gives the blob (131,072 bytes), or undefined or a rejection when it is not to be had; it may be
 * called again while the check looks for the bad pairs, and must then give the same bytes.
 */
export interface BatchPair {
  readonly commitment: Uint8Array;
  load(signal?: AbortSignal): Promise<Uint8Array | undefined>;
}

/** Σ cᵢ·blobᵢ element by element over Fr, one blob after the other in constant memory. */
export interface BlobAccumulator {
  /**
   * Adds `coefficient`·`blob`; the coefficient may have any sign and size (taken mod r).
   * @throws KzgError `non-canonical-element` | `invalid-length`, leaving the sum as it was
   */
  add(coefficient: bigint, blob: Uint8Array): void;
  /** The sum as a canonical blob, 131,072 bytes. The accumulator cannot be used afterwards. */
  finish(): Uint8Array;
}

/**
 * KZG over BLS12-381 with Ethereum's trusted setup (4,096 points). Inputs must not be changed until the promise settles;
 * they may be views of a SharedArrayBuffer, which no thread then copies.
 *
 * A blob is 131,072 bytes, a point 48 bytes compressed, a field element 32 bytes big-endian.
 * Every method rejects with the signal's reason when aborted, and with a KzgError otherwise. `combineCommitments` decodes
 * every point strictly and remembers it by its bytes; it throws `invalid-commitment` with the index of the first bad one.
 */
export interface KzgEngine extends FrKernel {
  /** The library that commits, opens and verifies. */
  readonly backend: string;
  /** Compute threads at most. */
  readonly threads: number;
  /** Which backend does what, and why no other one. */
  operations(): readonly OperationReport[];
  start(): Promise<void>;
  stop(): Promise<void>;
  /** @throws KzgError `non-canonical-element` | `invalid-length` */
  commit(blob: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>;
  /** Opens `blob` at the canonical field element `z`. */
  open(blob: Uint8Array, z: Uint8Array, signal?: AbortSignal): Promise<Opening>;
  /**
   * Whether `proof` shows that the polynomial of `commitment` has the value `y` at `z`. A malformed y or proof is false.
   * @throws KzgError `invalid-commitment` when the commitment itself is malformed
   */
  verify(
    commitment: Uint8Array,
    z: Uint8Array,
    y: Uint8Array,
    proof: Uint8Array,
    signal?: AbortSignal,
  ): Promise<boolean>;
  /**
   * Whether an opening of this node's own is right: by `verify` where its library has loaded the setup, which takes two
   * seconds, and until then by another one (5 ms; 0.3 s and 34 MB at first). Enough to find a mistake before it is signed;
   * what is held against others is verified. A malformed commitment or opening is false.
   */
  checkOpening(commitment: Uint8Array, z: Uint8Array, opening: Opening, signal?: AbortSignal): Promise<boolean>;
  /** Synchronous, on the calling thread: about 0.1 ms a blob. */
  accumulator(): BlobAccumulator;
  /** Σ cᵢ·blobᵢ, one blob out. */
  combine(coefficients: readonly bigint[], blobs: readonly Uint8Array[], signal?: AbortSignal): Promise<Uint8Array>;
  /**
   * The same operations for work that is done again because its result failed a check (`verify`): the library computes all
   * of it too and gives the result, so that a kernel which differs is found, dropped with an alert and no further asked.
   * When the check fails again, the kernels are sound and the inputs are not what they are taken for. Slow (an opening 70 ms,
   * 0.1 ms a blob more), never used at first. Takes the trusted setup of the library: two seconds when nothing has verified.
   */
  checked(): CheckedOperations;
  /** Indices of commitments that are not canonical points of the subgroup, ascending. */
  invalidCommitments(commitments: readonly Uint8Array[], signal?: AbortSignal): Promise<number[]>;
  /** Protocol v1 §4.3: indices of the pairs whose blob does not have that commitment, ascending; [] when all are good. */
  batchCheck(pairs: readonly BatchPair[], signal?: AbortSignal): Promise<number[]>;
}

/** Of the engine, what an answer to an audit and a claim of a commitment are made of. */
export type CheckedOperations = Pick<KzgEngine, 'commit' | 'open' | 'accumulator' | 'combineCommitments'>;

export type KzgErrorType =
  /** Neither library could be loaded. */
  | { readonly code: 'no-backend'; readonly tried: readonly string[] }
  /** The backend that the configuration asks for does not work here. */
  | { readonly code: 'backend-unavailable'; readonly backend: string; readonly reason: string }
  /** A field element is r or more; `element` is its position. */
  | { readonly code: 'non-canonical-element'; readonly element: number }
  | { readonly code: 'invalid-length'; readonly expected: number; readonly actual: number }
  | { readonly code: 'invalid-commitment'; readonly index: number; readonly reason: string }
  /** Lists that must match in length or be non-empty do not, or hold too much. */
  | { readonly code: 'invalid-argument' }
  | { readonly code: 'queue-full'; readonly limit: number }
  /** The worker thread ended while it had this job; the job was not done and may be tried again. */
  | { readonly code: 'worker-crashed' }
  /** The library refused input that is well-formed, or answered nonsense. */
  | { readonly code: 'backend-failed' }
  | { readonly code: 'stopped' };

export class KzgError extends CodedError<KzgErrorType> {}

/** Whether the engine met a commitment that is no point. */
export function isNoPoint(error: unknown): error is KzgError {
  return error instanceof KzgError && error.code === 'invalid-commitment';
}

import { MAX_CODE_WIDTH, SHARD_BYTES } from './constants.ts';
import { CodedError } from './errors.ts';

/** Ids of the erasure codes as manifests carry them (protocol v1 §2). */
export type CodeId = 0 | 1 | 2;
export type CodeName = 'replica' | 'fr-lagrange' | 'gf256';

export const CODE_NAMES = { 0: 'replica', 1: 'fr-lagrange', 2: 'gf256' } as const satisfies Record<CodeId, CodeName>;

export interface CodeParameters {
  readonly id: CodeId;
  /** Data shards of a stripe. */
  readonly k: number;
  /** Parity shards of a stripe (of a replica: further copies). */
  readonly m: number;
}

export type CodeErrorType =
  | { readonly code: 'invalid-code'; readonly text: string }
  | { readonly code: 'unsuitable-payload'; readonly shard: number }
  | { readonly code: 'invalid-data-count'; readonly dataCount: number; readonly k: number }
  | { readonly code: 'invalid-index'; readonly index: number }
  | { readonly code: 'repeated-index'; readonly index: number }
  | { readonly code: 'invalid-shard-length'; readonly index: number; readonly length: number }
  | { readonly code: 'not-enough-shards'; readonly needed: number; readonly present: number }
  | { readonly code: 'kernel-busy'; readonly waiting: number }
  | { readonly code: 'kernel-stopped' }
  | { readonly code: 'kernel-failed'; readonly result?: number };

export class CodeError extends CodedError<CodeErrorType> {}

export interface ReconstructRequest {
  readonly k: number;
  readonly m: number;
  /** k′: shards k′ … k−1 of a short stripe are zero, known to all and never stored. */
  readonly dataCount: number;
  /** Index 0 … k+m−1 → shard of 131,072 bytes. The caller has checked the hashes. */
  readonly have: ReadonlyMap<number, Uint8Array>;
  /** Indices to rebuild, each once, none of k′ … k−1. */
  readonly want: readonly number[];
}

/** Shards in and out are 131,072 bytes and are never modified; what is in `have` already is returned as it is. */
export interface ErasureCode {
  readonly id: CodeId;
  /** k′ ≤ k data shards (missing ones count as zero) → m parity shards. */
  encode(data: readonly Uint8Array[], k: number, m: number, signal?: AbortSignal): Promise<Uint8Array[]>;
  /** The wanted shards, in the order of `want`. @throws CodeError 'not-enough-shards' with fewer than k′ of them. */
  reconstruct(request: ReconstructRequest, signal?: AbortSignal): Promise<Uint8Array[]>;
  /** Commitments of k′ data shards → m parity commitments; absent when the code is not linear over Fr. */
  parityCommitments?(
    commitments: readonly Uint8Array[],
    k: number,
    m: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array[]>;
  /** The commitment of parity shard `j` (0 … m−1) alone; absent like `parityCommitments`. */
  parityCommitment?(
    commitments: readonly Uint8Array[],
    k: number,
    m: number,
    j: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array>;
}

/** Standard k and m, the widest first. */
export const STANDARD_PARAMETERS: readonly Omit<CodeParameters, 'id'>[] = [
  { k: 20, m: 10 },
  { k: 16, m: 8 },
  { k: 10, m: 5 },
  { k: 8, m: 4 },
  { k: 6, m: 3 },
  { k: 4, m: 2 },
  { k: 2, m: 1 },
];

/** The widest standard code whose k + m shards all find a peer of their own; undefined below three peers. */
export function defaultCode(eligiblePeers: number, id: 1 | 2 = 1): CodeParameters | undefined {
  const fitting = STANDARD_PARAMETERS.find(({ k, m }) => k + m <= eligiblePeers);
  return fitting && { id, ...fitting };
}

/**
 * Refuses parameters no manifest may carry. Erasure codes need k ≥ 2 and m ≥ 1: with k = 1 every parity shard would
 * be the data shard again, which is what `replica` is for.
 */
export function validateCode(code: CodeParameters, payload: 'packed31' | 'raw4844' = 'packed31'): void {
  const { id, k, m } = code;
  if (!Object.hasOwn(CODE_NAMES, id)) throw invalidCode(`code ${id}`, 'the known codes are 0, 1 and 2');
  const text = formatCode(code);
  const least = id === 0 ? { k: 1, m: 0 } : { k: 2, m: 1 };
  if (!Number.isSafeInteger(k) || !Number.isSafeInteger(m) || k < least.k || m < least.m) {
    throw invalidCode(text, `it needs whole numbers, at least ${least.k}+${least.m}`);
  }
  if (id === 0 && k !== 1) throw invalidCode(text, 'a replica has one data shard');
  if (k + m > MAX_CODE_WIDTH) throw invalidCode(text, `a stripe has at most ${MAX_CODE_WIDTH} shards`);
  if (id === 2 && payload === 'raw4844') {
    throw invalidCode(text, 'raw 4844 blobs do not fit 31 bytes per element, use fr-lagrange');
  }
}

/** `4+2` (fr-lagrange), `gf256:4+2`, `replica:1+2` → valid parameters. */
export function parseCodeParameters(text: string): CodeParameters {
  const match = /^(?:(replica|fr-lagrange|gf256):)?(\d{1,2})\+(\d{1,2})$/.exec(text);
  if (match === null) throw invalidCode(text.slice(0, 40), 'write it like 4+2, gf256:4+2 or replica:1+2');
  const code = { id: codeId((match[1] ?? 'fr-lagrange') as CodeName), k: Number(match[2]), m: Number(match[3]) };
  validateCode(code);
  return code;
}

/** `fr-lagrange:4+2`; `parseCodeParameters` reads it back. */
export function formatCode({ id, k, m }: CodeParameters): string {
  return `${CODE_NAMES[id]}:${k}+${m}`;
}

export function codeId(name: CodeName): CodeId {
  return name === 'replica' ? 0 : name === 'fr-lagrange' ? 1 : 2;
}

/** Checks what `encode` was given. */
export function checkEncode(code: CodeParameters, data: readonly Uint8Array[]): void {
  validateCode(code);
  checkDataCount(data.length, code.k);
  for (const [index, shard] of data.entries()) checkShard(index, shard);
}

/** Checks what `reconstruct` was given; `have` may hold more than is needed. */
export function checkReconstruct(id: CodeId, request: ReconstructRequest): void {
  const { k, m, dataCount, have, want } = request;
  validateCode({ id, k, m });
  checkDataCount(dataCount, k);
  for (const [index, shard] of have) {
    checkIndex(index, request);
    checkShard(index, shard);
  }
  const seen = new Set<number>();
  for (const index of want) {
    checkIndex(index, request);
    if (seen.has(index)) throw new CodeError({ code: 'repeated-index', index }, `shard ${index} is wanted twice`);
    seen.add(index);
  }
  if (have.size < dataCount) {
    const message = `${have.size} shards of the stripe are there, ${dataCount} are needed to rebuild it`;
    throw new CodeError({ code: 'not-enough-shards', needed: dataCount, present: have.size }, message);
  }
}

/** Checks the number of data shards, or of their commitments. */
export function checkDataCount(dataCount: number, k: number): void {
  if (Number.isSafeInteger(dataCount) && dataCount >= 1 && dataCount <= k) return;
  const message = `a stripe of this code has 1 to ${k} data shards, not ${dataCount}`;
  throw new CodeError({ code: 'invalid-data-count', dataCount, k }, message);
}

/** Checks the number of a parity shard within its stripe, 0 … m−1. */
export function checkParityIndex(j: number, k: number, m: number): void {
  if (Number.isSafeInteger(j) && j >= 0 && j < m) return;
  throw new CodeError({ code: 'invalid-index', index: k + j }, `this stripe has no parity shard ${j}`);
}

function checkIndex(index: number, { k, m, dataCount }: ReconstructRequest): void {
  const stored = (index >= 0 && index < dataCount) || (index >= k && index < k + m);
  if (Number.isSafeInteger(index) && stored) return;
  throw new CodeError({ code: 'invalid-index', index }, `this stripe has no shard ${index}`);
}

function checkShard(index: number, shard: Uint8Array): void {
  if (shard.length === SHARD_BYTES) return;
  const type = { code: 'invalid-shard-length', index, length: shard.length } as const;
  throw new CodeError(type, `shard ${index} has ${shard.length} bytes, a shard has ${SHARD_BYTES}`);
}

function invalidCode(text: string, why: string): CodeError {
  return new CodeError({ code: 'invalid-code', text }, `${text} is not an erasure code: ${why}`);
}

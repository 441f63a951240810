import { MAX_AUDIT_BYTES, MAX_NODE_BYTES, MAX_SHARDS_PER_CALL, SHARD_BYTES } from './constants.ts';
import { MAX_ADVERT_BYTES } from './hello.ts';

export type Method = 'hello' | 'stage' | 'finalize' | 'fetch' | 'have' | 'manifest' | 'audit' | 'release' | 'evidence';

/** Bounds of one method, in both directions; whoever breaks one is cut off. */
export interface MethodLimits {
  /** Body of the first frame of a request. */
  readonly maxRequestBytes: number;
  /** Body of a frame of a response that is not a shard, its status byte included. */
  readonly maxResponseBytes: number;
  /** Shard frames that may follow the first frame of a request, and the size of each. */
  readonly maxRequestShards: number;
  readonly maxRequestShardBytes: number;
  /** Shard frames that may follow the first frame of a response, and the size of each. */
  readonly maxResponseShards: number;
  readonly maxResponseShardBytes: number;
  /** Calls of one peer that a node serves at a time; more are answered `busy`. */
  readonly maxConcurrentPerPeer: number;
  /** From the end of the request (of its first frame, for `stage`) to the first byte of the response. */
  readonly firstByteTimeoutMs: number;
  readonly totalTimeoutMs: number;
  /** A stream that moves less over 10 s while bytes are due is cut off. */
  readonly minBytesPerSecond: number;
}

const KIB = 1024;
/** Every response frame that is not a shard begins with one status byte. */
const STATUS_BYTES = 1;
const NO_SHARDS = { maxRequestShards: 0, maxRequestShardBytes: 0, maxResponseShards: 0, maxResponseShardBytes: 0 };
const QUICK = { firstByteTimeoutMs: 10_000, totalTimeoutMs: 30_000, minBytesPerSecond: 1 * KIB };

/** One row per method of protocol v1 §6. Sizes are the protocol's; times and rates fit a slow home line. */
export const METHODS = {
  hello: {
    ...NO_SHARDS,
    ...QUICK,
    maxRequestBytes: MAX_ADVERT_BYTES,
    maxResponseBytes: STATUS_BYTES + MAX_ADVERT_BYTES,
    maxConcurrentPerPeer: 2,
  },
  stage: {
    ...NO_SHARDS,
    // 256 ids of 32 bytes and, in the answer, 256 commitments of 48 bytes.
    maxRequestBytes: 16 * KIB,
    maxResponseBytes: 32 * KIB,
    maxRequestShards: MAX_SHARDS_PER_CALL,
    maxRequestShardBytes: SHARD_BYTES,
    maxConcurrentPerPeer: 8,
    firstByteTimeoutMs: 30_000,
    totalTimeoutMs: 15 * 60_000,
    minBytesPerSecond: 16 * KIB,
  },
  finalize: {
    ...NO_SHARDS,
    maxRequestBytes: 8 * KIB * KIB,
    maxResponseBytes: STATUS_BYTES + 8 * KIB * KIB,
    maxConcurrentPerPeer: 2,
    // The holder reads its shards and checks them against the commitments before it answers.
    firstByteTimeoutMs: 10 * 60_000,
    totalTimeoutMs: 15 * 60_000,
    minBytesPerSecond: 16 * KIB,
  },
  fetch: {
    ...NO_SHARDS,
    maxRequestBytes: 16 * KIB,
    maxResponseBytes: 4 * KIB,
    maxResponseShards: MAX_SHARDS_PER_CALL,
    // The index of the shard comes before its bytes.
    maxResponseShardBytes: 4 + SHARD_BYTES,
    maxConcurrentPerPeer: 16,
    firstByteTimeoutMs: 20_000,
    totalTimeoutMs: 15 * 60_000,
    minBytesPerSecond: 16 * KIB,
  },
  have: {
    ...NO_SHARDS,
    ...QUICK,
    maxRequestBytes: 1 * KIB,
    maxResponseBytes: STATUS_BYTES + 64 * KIB,
    maxConcurrentPerPeer: 8,
  },
  manifest: {
    ...NO_SHARDS,
    maxRequestBytes: 1 * KIB,
    maxResponseBytes: STATUS_BYTES + MAX_NODE_BYTES,
    maxConcurrentPerPeer: 8,
    firstByteTimeoutMs: 10_000,
    totalTimeoutMs: 2 * 60_000,
    minBytesPerSecond: 16 * KIB,
  },
  audit: {
    ...NO_SHARDS,
    maxRequestBytes: MAX_AUDIT_BYTES,
    maxResponseBytes: STATUS_BYTES + MAX_AUDIT_BYTES,
    maxConcurrentPerPeer: 4,
    // 2 s and 2 GiB at 50 MB/s take 45 s (protocol v1 §5); the deadline itself is in the challenge.
    firstByteTimeoutMs: 2 * 60_000,
    totalTimeoutMs: 3 * 60_000,
    minBytesPerSecond: 1 * KIB,
  },
  release: {
    ...NO_SHARDS,
    ...QUICK,
    maxRequestBytes: 4 * KIB,
    maxResponseBytes: 4 * KIB,
    maxConcurrentPerPeer: 4,
  },
  evidence: {
    ...NO_SHARDS,
    ...QUICK,
    maxRequestBytes: 1 * KIB,
    maxResponseBytes: STATUS_BYTES + 256 * KIB,
    maxConcurrentPerPeer: 2,
  },
} as const satisfies Record<Method, MethodLimits>;

export const METHOD_NAMES = Object.keys(METHODS) as readonly Method[];

/** `/holdfast/<network8>/<method>/1`; `networkPrefix` is that of protocol/hash.ts. */
export function protocolId(method: Method, networkPrefix: string): string {
  return `/holdfast/${networkPrefix}/${method}/1`;
}

import { METHODS, type Method } from '../../protocol/methods.ts';

/** Time limits of one stream, from both ends' view. */
export interface StreamLimits {
  /** Longest silence before a frame begins. */
  readonly firstByteTimeoutMs: number;
  readonly totalTimeoutMs: number;
  /** Least bytes a second while one end waits for the other, over `RATE_WINDOW_MS` of waiting. */
  readonly minBytesPerSecond: number;
  /** Longest time from the opening of the stream to the end of the first frame that is read; without limit when absent. */
  readonly firstFrameTimeoutMs?: number;
}

export interface ServingLimits {
  /** Requests one peer may start in a minute; a full minute's worth may come at once. */
  readonly requestsPerMinute: number;
  /** Requests of all peers served at once. */
  readonly maxConcurrent: number;
  /** Of them, places for those callers only for whom the method keeps some. */
  readonly reserved?: number;
  /** Of them, places that requests of no other method can take, however many are served. */
  readonly ensured?: number;
  /** Frames of a response that begin with a status byte: until the last of them a failure can still be told. */
  readonly statusFrames: 1 | 2;
}

/**
 * What this node grants beyond the bounds of the protocol. A peer that moves 100 MB/s needs 180 calls of 256 shards a
 * minute and up to 46,000 of one shard, so that bulk methods are bounded by concurrency and bytes before their count.
 */
export const SERVING_LIMITS = {
  hello: { requestsPerMinute: 60, maxConcurrent: 64, statusFrames: 1 },
  stage: { requestsPerMinute: 20_000, maxConcurrent: 48, statusFrames: 2 },
  finalize: { requestsPerMinute: 600, maxConcurrent: 8, statusFrames: 1 },
  fetch: { requestsPerMinute: 50_000, maxConcurrent: 64, statusFrames: 1 },
  have: { requestsPerMinute: 6_000, maxConcurrent: 64, statusFrames: 1 },
  manifest: { requestsPerMinute: 6_000, maxConcurrent: 32, statusFrames: 1 },
  // Holders are judged by their answers: transfers of others must not keep them from giving any.
  audit: { requestsPerMinute: 120, maxConcurrent: 16, reserved: 8, ensured: 16, statusFrames: 1 },
  release: { requestsPerMinute: 6_000, maxConcurrent: 32, statusFrames: 1 },
  evidence: { requestsPerMinute: 60, maxConcurrent: 16, statusFrames: 1 },
} as const satisfies Record<Method, ServingLimits>;

/** The next frame of a request must begin within this time. */
const REQUEST_SILENCE_MS = 30_000;
/** A caller that opened a stream has something to ask: its first frame is here within this time, and its bytes at this rate. */
const FIRST_FRAME_MS = 10_000;
const FIRST_FRAME_BYTES_PER_SECOND = 64 * 1024;

export function callerLimits(method: Method): StreamLimits {
  return METHODS[method];
}

export function servingLimits(method: Method): StreamLimits {
  const { firstByteTimeoutMs, totalTimeoutMs, minBytesPerSecond, maxRequestBytes } = METHODS[method];
  return {
    firstByteTimeoutMs: Math.min(firstByteTimeoutMs, REQUEST_SILENCE_MS),
    totalTimeoutMs,
    minBytesPerSecond,
    firstFrameTimeoutMs: FIRST_FRAME_MS + (1000 * maxRequestBytes) / FIRST_FRAME_BYTES_PER_SECOND,
  };
}

/** Waiting for the other end is judged in windows of this length: long enough for a lost packet or a busy disk. */
export const RATE_WINDOW_MS = 10_000;
/** How long a served stream may stay open after its last frame, for the other end to close. */
export const LINGER_MS = 3_000;
/** How often deadlines are looked at. */
export const DEADLINE_TICK_MS = 500;
/** A refused peer may try again after this long. */
export const BUSY_RETRY_MS = 1_000;

/** Streams whose first frame is on its way, all methods together, and what those of one method may hold of it. */
export const MAX_ARRIVING = 256;
export const MAX_ARRIVING_BYTES = 64 * 1024 * 1024;
/** Requests served at once, all methods together. */
export const MAX_SERVED = 160;
/** Refused requests whose `busy` is still on its way; beyond, streams are reset without an answer. */
export const MAX_REFUSING = 64;
/** Calls of this node that wait until a peer's share of a method is free. */
export const MAX_WAITING_CALLS = 4096;
export const DIAL_TIMEOUT_MS = 10_000;

/**
 * Flow-control window of a stream (yamux): 1 MiB carries 10 MB/s at 100 ms, and several streams run beside each other.
 * With `MAX_SERVED` streams that nobody reads this is 200 MiB at the very worst, and `MAX_BUFFERED_BYTES` stops it
 * earlier.
 */
export const STREAM_WINDOW_BYTES = 1024 * 1024;
/** Streams a connection may have open each way: gossip, identify, ping and DHT beside the methods. */
export const MAX_STREAMS_PER_CONNECTION = 128;
export const MAX_CONNECTIONS = 256;
export const MAX_CONNECTIONS_PENDING = 64;
/** New connections one host may open in a second. A lab has all its nodes on one host. */
export const INBOUND_CONNECTIONS_PER_SECOND = 20;
export const LAB_INBOUND_CONNECTIONS_PER_SECOND = 1_000;

/** Unread bytes in all streams of all connections; above, the connection that holds most of them is closed. */
export const MAX_BUFFERED_BYTES = 96 * 1024 * 1024;

import { encodeReply, type Fault, type Reply, type Status } from '../../protocol/status.ts';
import { RequestRefused } from '../network/errors.ts';

/** Who asks: libp2p authenticated it. */
export interface Caller {
  /** Peer id. */
  readonly remote: string;
  /** Its Ed25519 public key, 32 bytes. */
  readonly remoteKey: Uint8Array;
  /** Aborts when the caller is gone or its time is up. */
  readonly signal: AbortSignal;
}

/** The rest of a request after its first frame, and its answer; the network's frame stream satisfies it. */
export interface Exchange extends Caller {
  /** The next frame; undefined when the caller closed. @throws when it is longer than `maxBytes`. */
  read(maxBytes: number, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** One frame of these parts. */
  write(...parts: readonly Uint8Array[]): Promise<void>;
  /** Several frames, each given by its parts, on their way together. */
  writeAll(frames: readonly (readonly Uint8Array[])[]): Promise<void>;
}

/**
 * Serves one request, given the body of its first frame. A StructureError is answered as an invalid request,
 * RequestRefused with what it carries, anything else as an internal error.
 */
export type Handler = (request: Uint8Array, exchange: Exchange) => Promise<void>;

/** A request of one frame and a response of one frame. */
export function unary(handle: (request: Uint8Array, caller: Caller) => Promise<Reply>): Handler {
  return async (request, exchange) => exchange.write(encodeReply(await handle(request, exchange)));
}

export function ok(body: Uint8Array = new Uint8Array(0)): Reply {
  return { status: 'ok', body };
}

type RefusalStatus = Exclude<Status, 'ok' | 'busy'>;

/** `message` is cut to what the wire allows; `shards` are bitmaps, one per segment of the request. */
export function refusal(
  status: RefusalStatus,
  code: string,
  message: string,
  shards?: Fault['shards'],
): Fault & { readonly status: RefusalStatus } {
  const fault = { status, code, message: cut(message) };
  return shards === undefined ? fault : { ...fault, shards };
}

export function refuse(...args: Parameters<typeof refusal>): RequestRefused {
  return new RequestRefused(refusal(...args));
}

/** 512 bytes of UTF-8 hold at least 128 characters of any kind. */
function cut(message: string): string {
  return Buffer.byteLength(message) <= 512 ? message : `${[...message].slice(0, 120).join('')}…`;
}

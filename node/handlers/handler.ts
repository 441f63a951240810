import { StructureError } from '../../protocol/cbor.ts';
import { METHODS, type Method } from '../../protocol/methods.ts';
import { encodeReply, type Fault, type Reply, type Status } from '../../protocol/status.ts';

/** Who asks: libp2p authenticated it. */
export interface Caller {
  /** Peer id. */
  readonly remote: string;
  /** Its Ed25519 public key, 32 bytes. */
  readonly remoteKey: Uint8Array;
  /** Aborts when the caller is gone or its time is up. */
  readonly signal: AbortSignal;
}

/** One request as a handler sees it; the network's frame stream satisfies it. */
export interface Exchange extends Caller {
  /** The next frame; undefined when the caller closed. @throws when it is longer than `maxBytes`. */
  read(maxBytes: number, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** One frame of these parts. */
  write(...parts: readonly Uint8Array[]): Promise<void>;
}

export type Handler = (exchange: Exchange) => Promise<void>;
export type UnaryHandler = (request: Uint8Array, caller: Caller) => Promise<Reply>;

/** A request of one frame and a response of one frame. */
export function unary(method: Method, handle: UnaryHandler): Handler {
  return async (exchange) => {
    const request = await exchange.read(METHODS[method].maxRequestBytes);
    const reply = request === undefined ? emptyRequest() : await answered(() => handle(request, exchange));
    await exchange.write(encodeReply(reply));
  };
}

/** Malformed input is the caller's fault; everything else goes up and is answered `internal`. */
export async function answered(answer: () => Promise<Reply>): Promise<Reply> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof StructureError) return refuse('invalid-request', error.code, error.message);
    throw error;
  }
}

export function emptyRequest(): Reply {
  return refuse('invalid-request', 'empty-request', 'the request has no frame');
}

export function ok(body: Uint8Array = new Uint8Array(0)): Reply {
  return { status: 'ok', body };
}

/** `message` is cut to what the wire allows. */
export function refuse(
  status: Exclude<Status, 'ok' | 'busy'>,
  code: string,
  message: string,
  shards?: Fault['shards'],
): Reply {
  const fault = { status, code, message: cut(message) };
  return shards === undefined ? fault : { ...fault, shards };
}

/** 512 bytes of UTF-8 hold at least 128 characters of any kind. */
function cut(message: string): string {
  return Buffer.byteLength(message) <= 512 ? message : `${[...message].slice(0, 120).join('')}…`;
}

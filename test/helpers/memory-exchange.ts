import type { Exchange, Handler } from '../../node/handlers/handler.ts';
import { RequestRefused } from '../../node/network/errors.ts';
import { concat } from '../../protocol/bytes.ts';
import { StructureError } from '../../protocol/cbor.ts';
import { decodeReply, encodeReply, type Reply } from '../../protocol/status.ts';

export interface MemoryCall {
  /** Frames that follow the first; a function gives each after what the handler has written so far. */
  readonly frames?: readonly Uint8Array[] | ((written: readonly Uint8Array[]) => Uint8Array | undefined);
  readonly remote: string;
  readonly remoteKey: Uint8Array;
  readonly signal?: AbortSignal;
}

/** What a handler wrote; a failure is written as the network would write it. */
export interface Answered {
  readonly frames: readonly Uint8Array[];
  /** The first frame. */
  readonly reply: Reply;
  /** The error behind an `internal` answer, or behind an answer that broke off. */
  readonly failure?: unknown;
}

/** Calls a handler without a network: the frames go through memory. */
export async function callHandler(handler: Handler, request: Uint8Array, call: MemoryCall): Promise<Answered> {
  const written: Uint8Array[] = [];
  const { frames = [], remote, remoteKey, signal = new AbortController().signal } = call;
  let next = 0;
  const exchange: Exchange = {
    remote,
    remoteKey,
    signal,
    async read(maxBytes) {
      signal.throwIfAborted();
      const frame = typeof frames === 'function' ? frames(written) : frames[next++];
      if (frame !== undefined && frame.length > maxBytes) throw new RangeError('the frame is longer than allowed');
      return frame;
    },
    write: (...parts) => exchange.writeAll([parts]),
    async writeAll(frames) {
      for (const parts of frames) written.push(concat(...parts));
    },
  };
  let failure: unknown;
  try {
    await handler(request, exchange);
  } catch (error) {
    if (error instanceof RequestRefused) written.push(encodeReply(error.type.refusal));
    else if (error instanceof StructureError) {
      written.push(encodeReply({ status: 'invalid-request', code: 'malformed', message: error.message }));
    } else {
      failure = error;
      written.push(encodeReply({ status: 'internal', code: 'internal', message: 'the request failed' }));
    }
  }
  const reply = decodeReply(written[0] as Uint8Array);
  return failure === undefined ? { frames: written, reply } : { frames: written, reply, failure };
}

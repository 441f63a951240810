import { StructureError } from '../../protocol/cbor.ts';
import { METHODS, type Method } from '../../protocol/methods.ts';
import { decodeReply, type Refusal } from '../../protocol/status.ts';
import { RequestError, type RequestFailure } from './errors.ts';
import type { FrameStream } from './frame-stream.ts';

/** The part of ReqResp that a client needs. */
export interface StreamOpener {
  open(peer: string, method: Method, signal?: AbortSignal): Promise<FrameStream>;
}

/** One request frame, one response frame. `onOpen` is told when the peer was reached. Returns the body of the `ok`. @throws RequestError */
export async function exchange(
  opener: StreamOpener,
  peer: string,
  method: Method,
  request: Uint8Array,
  signal: AbortSignal | undefined,
  onOpen: () => void = () => undefined,
): Promise<Uint8Array> {
  const stream = await opener.open(peer, method, signal);
  onOpen();
  const body = await during(stream, async () => {
    // A peer may refuse before it has read all of the request: the answer counts, then, not the failed sending.
    const sending = sendLast(stream, request).catch(() => {});
    const reply = await readReply(stream);
    await sending;
    return reply;
  });
  void stream.close();
  return body;
}

/** Runs one conversation; resets the stream when it fails, and says which peer and method sent what cannot be read. */
export async function during<T>(stream: FrameStream, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    stream.abort(error);
    if (!(error instanceof StructureError)) throw error;
    throw malformed(stream, error.message, error);
  }
}

export async function sendLast(stream: FrameStream, frame: Uint8Array): Promise<void> {
  await stream.write(frame);
  await stream.closeWrite();
}

/** Reads a frame that begins with a status. @throws RequestError refused-*; StructureError */
export async function readReply(stream: FrameStream): Promise<Uint8Array> {
  const frame = await stream.read(METHODS[stream.method].maxResponseBytes);
  if (frame === undefined) throw closedEarly(stream);
  const reply = decodeReply(frame);
  if (reply.status === 'ok') return reply.body;
  const what = reply.status === 'busy' ? 'the peer is busy' : `refused as ${reply.status}: ${printable(reply.message)}`;
  throw RequestError.of(stream.remote, stream.method, refusalFailure(reply), what);
}

export function closedEarly(stream: FrameStream): RequestError {
  return RequestError.of(stream.remote, stream.method, { code: 'closed-early' }, 'the peer stopped in the middle');
}

export function malformed(at: { remote: string; method: Method }, what: string, cause?: unknown): RequestError {
  const options = cause === undefined ? undefined : { cause };
  return RequestError.of(
    at.remote,
    at.method,
    { code: 'malformed-response' },
    `the answer is refused: ${what}`,
    options,
  );
}

/** `read` returns what it read, or in words what is wrong. @throws RequestError malformed-response */
export function checked<T extends object>(remote: string, method: Method, read: () => T | string): T {
  let result: T | string;
  try {
    result = read();
  } catch (error) {
    if (!(error instanceof StructureError)) throw error;
    throw malformed({ remote, method }, error.message, error);
  }
  if (typeof result === 'string') throw malformed({ remote, method }, result);
  return result;
}

function refusalFailure(refusal: Refusal): RequestFailure {
  switch (refusal.status) {
    case 'busy':
      return { code: 'refused-busy', retryAt: refusal.retryAt };
    case 'invalid-request':
      return { code: 'refused-invalid', fault: refusal };
    case 'not-held':
      return { code: 'refused-not-held', fault: refusal };
    case 'no-space':
      return { code: 'refused-no-space', fault: refusal };
    case 'not-allowed':
      return { code: 'refused-not-allowed', fault: refusal };
    case 'internal':
      return { code: 'refused-internal' };
  }
}

/** Text of a peer, made harmless for a one-line message. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ').slice(0, 200);
}

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import { LINGER_BYTES, LINGER_MS } from './limits.ts';

/**
 * Takes in and drops what a client still sends after its answer was written: a socket that is closed with data unread is
 * reset, and a reset can destroy the answer before the client has read it (RFC 9112 §9.6). Ends with the body, with the
 * connection, or at a limit of bytes and time. Never rejects.
 */
export async function drainBody(request: IncomingMessage, clock: Clock, stopping: AbortSignal): Promise<void> {
  const over = new AbortController();
  let bytes = 0;
  const end = () => over.abort();
  const count = (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes > LINGER_BYTES) end();
  };
  request.on('data', count).once('end', end).once('close', end).once('error', end);
  request.resume();
  if (!isDue(request)) end();
  await clock.sleep(LINGER_MS, AbortSignal.any([over.signal, stopping])).catch(() => {});
  request.off('data', count).off('end', end).off('close', end);
}

/** An answer of known length that is given at once and ends when the rest of the request's body has been taken in. */
export function answerThenDrain(
  answer: string,
  request: IncomingMessage,
  clock: Clock,
  stopping: AbortSignal,
): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.from(answer);
      await drainBody(request, clock, stopping);
    })(),
    { objectMode: false },
  );
}

/** Whether some of the body is still to come. */
export const isDue = (request: IncomingMessage): boolean => !request.complete && !request.destroyed;

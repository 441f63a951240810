import { once } from 'node:events';
import type { ClientRequest } from 'node:http';
import type { AddProgress, AddResult } from '../node/api/services.ts';
import type { ApiClient } from './api-client.ts';
import { readAnswer, STREAMED } from './streamed-call.ts';

export interface Upload {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly query: Readonly<Record<string, string | number | undefined>>;
  readonly onProgress: (progress: AddProgress) => void;
}

const BROKE_OFF = 'the node stopped before the file was stored: add it again, it will resume';

/** Streams a body and follows the node's progress. @throws ProblemError | CliError */
export async function upload(client: ApiClient, { chunks, query, onProgress }: Upload): Promise<AddResult> {
  const outgoing = client.open({
    method: 'POST',
    path: '/v1/files',
    query,
    headers: { 'content-type': 'application/octet-stream', ...STREAMED },
  });
  const answer = client
    .response(outgoing)
    .then((response) => readAnswer<AddProgress, AddResult>(client, response, onProgress, BROKE_OFF));
  // Whichever fails first says why; the other one then fails as a consequence.
  let sourceFailure: unknown;
  const sending = sendBody(outgoing, chunks).catch((error: unknown) => {
    sourceFailure = error;
    // Without the end of the body the node can only give the upload up.
    outgoing.destroy();
  });
  try {
    return await answer;
  } catch (error) {
    throw sourceFailure ?? error;
  } finally {
    outgoing.destroy();
    await sending;
  }
}

async function sendBody(outgoing: ClientRequest, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(chunk)) await drained(outgoing);
  }
  if (!outgoing.destroyed) outgoing.end();
}

async function drained(outgoing: ClientRequest): Promise<void> {
  if (outgoing.destroyed) return;
  const done = new AbortController();
  const options = { signal: done.signal };
  try {
    await Promise.race([once(outgoing, 'drain', options), once(outgoing, 'close', options)]);
  } catch (error) {
    // The request failed: `answer` says how.
    if (!outgoing.destroyed) throw error;
  } finally {
    done.abort();
  }
}

import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { AddLine } from '../node/api/routes/file-write.ts';
import type { AddProgress, AddResult } from '../node/api/services.ts';
import type { ApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';
import { ProblemError } from './problem-error.ts';

export interface Upload {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly query: Readonly<Record<string, string | number | undefined>>;
  readonly onProgress: (progress: AddProgress) => void;
}

/** Streams a body and follows the node's progress. @throws ProblemError | CliError */
export async function upload(client: ApiClient, { chunks, query, onProgress }: Upload): Promise<AddResult> {
  const outgoing = client.open({
    method: 'POST',
    path: '/v1/files',
    query,
    headers: { 'content-type': 'application/octet-stream', accept: 'application/x-ndjson' },
  });
  const answer = client.response(outgoing).then((response) => readResult(client, response, onProgress));
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

async function readResult(
  client: ApiClient,
  response: IncomingMessage,
  onProgress: (progress: AddProgress) => void,
): Promise<AddResult> {
  let result: AddResult | undefined;
  try {
    for await (const text of createInterface({ input: response })) {
      const line = JSON.parse(text) as AddLine;
      if (line.type === 'progress') onProgress(line.progress);
      else if (line.type === 'problem') throw new ProblemError(line.problem);
      else result = line.result;
    }
  } catch (error) {
    throw client.explain(error as Error);
  }
  if (result === undefined || !response.complete) {
    throw new CliError('node-broke-off', 'the node stopped before the file was stored: add it again, it will resume');
  }
  return result;
}

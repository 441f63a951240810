import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { type AnswerLine, NDJSON } from '../node/api/streamed-answer.ts';
import type { ApiClient, Call } from './api-client.ts';
import { CliError } from './cli-error.ts';
import { ProblemError } from './problem-error.ts';

/** The headers that ask for progress. */
export const STREAMED = { accept: NDJSON };

/**
 * Makes a call that takes a while and follows its progress. @param brokeOff what it means that the node stopped before the end
 * @throws ProblemError | CliError
 */
export async function streamedCall<P, R>(
  client: ApiClient,
  call: Call,
  onProgress: (progress: P) => void,
  brokeOff: string,
): Promise<R> {
  const outgoing = client.open({ ...call, headers: { ...call.headers, ...STREAMED } });
  outgoing.end(call.json === undefined ? undefined : JSON.stringify(call.json));
  try {
    return await readAnswer<P, R>(client, await client.response(outgoing), onProgress, brokeOff);
  } finally {
    outgoing.destroy();
  }
}

/** The result at the end of a streamed answer. @throws ProblemError | CliError */
export async function readAnswer<P, R>(
  client: ApiClient,
  response: IncomingMessage,
  onProgress: (progress: P) => void,
  brokeOff: string,
): Promise<R> {
  let result: { readonly value: R } | undefined;
  try {
    for await (const text of createInterface({ input: response })) {
      const line = JSON.parse(text) as AnswerLine<P, R>;
      if (line.type === 'progress') onProgress(line.progress);
      else if (line.type === 'problem') throw new ProblemError(line.problem);
      else result = { value: line.result };
    }
  } catch (error) {
    throw client.explain(error as Error);
  }
  if (result === undefined || !response.complete) throw new CliError('node-broke-off', brokeOff);
  return result.value;
}

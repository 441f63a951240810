import type { IncomingMessage } from 'node:http';
import type { FileKind } from '../node/api/services.ts';
import type { ApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';
import { type FileArgument, keyHeader } from './link-argument.ts';
import { ProblemError, readProblem } from './problem-error.ts';

export interface FileHead {
  readonly size: number;
  readonly kind: FileKind;
  readonly indexLength: number;
  /** From the node's own catalog. */
  readonly name?: string;
}

export interface Download {
  readonly head: FileHead;
  /** Bytes of this answer. */
  readonly length: number;
  /** Ends normally only when every byte arrived and the node confirmed it. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Gives the rest up. */
  cancel(): void;
}

const PARTIAL_CONTENT = 206;

/** @param range as in HTTP: `a-b` (both included), `a-`, `-n` */
export async function download(client: ApiClient, file: FileArgument, range?: string): Promise<Download> {
  const outgoing = client.open({
    method: 'GET',
    path: `/v1/files/${file.root}`,
    headers: {
      ...keyHeader(file),
      'holdfast-trailer': '1',
      ...(range === undefined ? {} : { range: `bytes=${range}` }),
    },
  });
  outgoing.end();
  const response = await client.response(outgoing);
  if (range !== undefined && response.statusCode !== PARTIAL_CONTENT) {
    outgoing.destroy();
    throw new CliError('bad-answer', `the node was asked for bytes ${range} and did not send just these`);
  }
  const length = numberHeader(response, 'holdfast-length');
  return {
    head: readHead(response),
    length,
    chunks: readChecked(client, response, length),
    cancel: () => outgoing.destroy(),
  };
}

function readHead(response: IncomingMessage): FileHead {
  const name = response.headers['holdfast-name'];
  return {
    size: numberHeader(response, 'holdfast-size'),
    kind: response.headers['holdfast-kind'] === 'tree' ? 'tree' : 'file',
    indexLength: numberHeader(response, 'holdfast-index-length'),
    ...(typeof name === 'string' ? { name: decodeURIComponent(name) } : {}),
  };
}

async function* readChecked(client: ApiClient, response: IncomingMessage, length: number): AsyncGenerator<Uint8Array> {
  let received = 0;
  for await (const chunk of client.chunks(response)) {
    received += chunk.length;
    yield chunk;
  }
  const result = response.trailers['holdfast-result'];
  if (result === 'ok' && received === length) return;
  throw failureOf(result) ?? new CliError('node-broke-off', `the node stopped after ${received} of ${length} bytes`);
}

function failureOf(trailer: string | undefined): ProblemError | undefined {
  try {
    const problem = readProblem(JSON.parse(decodeURIComponent(trailer ?? '')));
    return problem === undefined ? undefined : new ProblemError(problem);
  } catch {
    return undefined;
  }
}

function numberHeader(response: IncomingMessage, name: string): number {
  const value = Number(response.headers[name] ?? 0);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new CliError('bad-answer', `the node sent "${response.headers[name]}" as ${name}: is it a Holdfast node?`);
}

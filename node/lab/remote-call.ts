import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { ApiError, isProblemCode, type Problem } from '../api/problem.ts';

/** Where a node of another process answers, and what it asks for. */
export interface RemoteApi {
  readonly host: string;
  readonly port: number;
  readonly token: string;
}

export interface RemoteCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it comes, in place of `json`. */
  readonly body?: AsyncIterable<Uint8Array>;
}

/** Pages of peers and audits of a lab are far smaller. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** The JSON that a node answers. @throws ApiError what the node says, or that it cannot be reached; the signal's reason */
export async function remoteJson<T>(api: RemoteApi, call: RemoteCall, signal: AbortSignal): Promise<T> {
  const response = await remoteCall(api, call, signal);
  return JSON.parse(await text(response)) as T;
}

/** The answer of a node, of which the head is there. @throws as `remoteJson` */
export async function remoteCall(api: RemoteApi, call: RemoteCall, signal: AbortSignal): Promise<IncomingMessage> {
  signal.throwIfAborted();
  const { host, port, token } = api;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) query.set(name, String(value));
  const type = call.body === undefined ? 'application/json' : 'application/octet-stream';
  const outgoing = request({
    host,
    port,
    method: call.method,
    path: query.size === 0 ? call.path : `${call.path}?${query}`,
    agent: false,
    signal,
    headers: {
      authorization: `Bearer ${token}`,
      ...(call.method === 'POST' ? { 'content-type': type } : {}),
      ...call.headers,
    },
  });
  try {
    const answer = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    // A node that refuses may answer before it has read everything.
    if (call.body !== undefined) pipeline(call.body, outgoing).catch(() => {});
    else outgoing.end(call.json === undefined ? undefined : JSON.stringify(call.json));
    const [response] = await answer;
    if ((response.statusCode ?? 0) < 400) return response;
    throw refusalOf(await text(response));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ApiError) throw error;
    throw new ApiError('peer-unreachable', `the node at ${host}:${port} does not answer`, { cause: error });
  }
}

function refusalOf(body: string): ApiError {
  let problem: Partial<Problem> = {};
  try {
    problem = JSON.parse(body) as Partial<Problem>;
  } catch {
    // What is no problem is told as one of the node.
  }
  const { code, detail } = problem;
  return new ApiError(isProblemCode(code) ? code : 'internal', detail ?? 'the node answered with something else');
}

async function text(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new ApiError('too-large', `the answer exceeds ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

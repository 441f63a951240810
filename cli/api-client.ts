import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { isTokenProof, NONCE_BYTES } from '../node/api/token-proof.ts';
import { homePaths } from '../node/config/home.ts';
import { loadToken } from '../node/identity/token.ts';
import { CodedError } from '../protocol/errors.ts';
import { CliError } from './cli-error.ts';
import type { CommandContext } from './context.ts';
import { ProblemError, readProblem } from './problem-error.ts';

// An import reads every export of the module, and one of them loads all of `fetch`: a tenth of the time of a short command.
const { request } = process.getBuiltinModule('node:http');

/** Where the daemon of this home answers; it writes this file when it listens. */
interface ApiFile {
  readonly host: string;
  readonly port: number;
  readonly pid?: number;
}

export interface Call {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** The command's own limit for silence of the node, milliseconds. */
  readonly timeoutMs?: number;
  /** Status 503 is an answer like any other. */
  readonly acceptUnavailable?: boolean;
}

const DEFAULT_TIMEOUT_MS = 120_000;
const UNAVAILABLE = 503;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Calls the API of the node of one home. */
export class ApiClient {
  readonly #api: ApiFile;
  readonly #token: string;
  readonly #signal: AbortSignal;
  readonly #timeoutMs: number | undefined;

  private constructor(api: ApiFile, token: string, context: CommandContext) {
    this.#api = api;
    this.#token = token;
    this.#signal = context.signal;
    this.#timeoutMs = context.timeoutMs;
  }

  /** Reads address and token, and finds out whether it is this home's node that answers. @throws CliError no-node */
  static async of(context: CommandContext): Promise<ApiClient> {
    const api = await readApiFile(context.home);
    if (api === undefined) throw noNode(context.home);
    const token = await loadToken(context.home);
    const client = new ApiClient(api, token, context);
    await client.#recognise();
    return client;
  }

  /** The port of a daemon that was killed may be another program's by now: nobody is sent the token who does not know it. */
  async #recognise(): Promise<void> {
    const nonce = randomBytes(NONCE_BYTES).toString('hex');
    const call: Call = { method: 'GET', path: '/livez', query: { nonce } };
    const outgoing = this.#request(call, {});
    outgoing.end();
    let answer: unknown;
    try {
      answer = JSON.parse(await this.#body(await this.#answer(outgoing)));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    const { proof } = (typeof answer === 'object' && answer !== null ? answer : {}) as { readonly proof?: unknown };
    if (isTokenProof(proof, this.#token, this.#api.port, nonce)) return;
    throw new CliError(
      'no-node',
      `${this.#where()} is not the node of this home but another program: start the node with \`holdfast daemon\``,
    );
  }

  /** The answer's JSON. @throws ProblemError | CliError */
  async json<T>(call: Call): Promise<T> {
    const outgoing = this.open(call);
    outgoing.end(call.json === undefined ? undefined : JSON.stringify(call.json));
    const response = await this.response(outgoing, call.acceptUnavailable);
    return parseJson<T>(await this.#body(response));
  }

  /** The answer's bytes. @throws ProblemError | CliError */
  async bytes(call: Call): Promise<Uint8Array> {
    const outgoing = this.open(call);
    outgoing.end();
    const response = await this.response(outgoing);
    try {
      return await readBytes(response);
    } catch (error) {
      throw this.explain(error as Error);
    }
  }

  /** Starts a request; the caller writes the body and ends it. */
  open(call: Call): ClientRequest {
    return this.#request(call, { authorization: `Bearer ${this.#token}` });
  }

  #request(call: Call, authorization: Readonly<Record<string, string>>): ClientRequest {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) query.set(name, String(value));
    }
    const outgoing = request({
      host: this.#api.host,
      port: this.#api.port,
      method: call.method,
      path: query.size === 0 ? call.path : `${call.path}?${query}`,
      agent: false,
      signal: this.#signal,
      headers: {
        ...authorization,
        ...(call.json === undefined ? {} : { 'content-type': 'application/json' }),
        ...call.headers,
      },
    });
    const timeoutMs = this.#timeoutMs ?? call.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    let response: IncomingMessage | undefined;
    outgoing.once('response', (begun) => {
      response = begun;
    });
    outgoing.setTimeout(timeoutMs, () => {
      const why = `the node said nothing for ${timeoutMs / 1000} s: raise --timeout or see its log`;
      // Whoever reads the answer learns only what it fails with itself, not what its request fails with.
      (response ?? outgoing).destroy(new CliError('timed-out', why));
    });
    return outgoing;
  }

  /** The head of the answer, once it is there. @throws ProblemError | CliError */
  async response(outgoing: ClientRequest, acceptUnavailable = false): Promise<IncomingMessage> {
    const response = await this.#answer(outgoing);
    const status = response.statusCode ?? 0;
    if (status < 400 || (acceptUnavailable && status === UNAVAILABLE)) return response;
    const body = outgoing.method === 'HEAD' ? '' : await this.#body(response);
    outgoing.destroy();
    throw this.#refusal(status, body);
  }

  #answer(outgoing: ClientRequest): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      outgoing.once('response', resolve);
      outgoing.on('error', (error) => reject(this.explain(error)));
    });
  }

  /** The answer's bytes as they come. The node is silent only while it is waited for, not while the reader is busy. */
  async *chunks(response: IncomingMessage): AsyncGenerator<Uint8Array> {
    const { socket } = response;
    const limitMs = socket.timeout ?? 0;
    try {
      for await (const chunk of response as AsyncIterable<Uint8Array>) {
        socket.setTimeout(0);
        yield chunk;
        socket.setTimeout(limitMs);
      }
    } catch (error) {
      throw this.explain(error as Error);
    }
  }

  async #body(response: IncomingMessage): Promise<string> {
    try {
      return await readBounded(response);
    } catch (error) {
      throw this.explain(error as Error);
    }
  }

  #refusal(status: number, body: string): Error {
    let parsed: unknown;
    try {
      parsed = JSON.parse(body);
    } catch {
      // Another program on that port, or an answer without a body; the status says what there is to say.
    }
    const problem = readProblem(parsed);
    if (problem !== undefined) return new ProblemError(problem);
    return new CliError('bad-answer', `${this.#where()} answered with status ${status}: is it a Holdfast node?`);
  }

  /** What a failure of the connection means to the user. */
  explain(error: NodeJS.ErrnoException): Error {
    if (error instanceof CodedError) return error;
    if (this.#signal.aborted) return this.#signal.reason;
    if (error.code === 'ECONNREFUSED' || error.code === 'EHOSTUNREACH') {
      return new CliError('no-node', `no node answers at ${this.#where()}: start it with \`holdfast daemon\``, {
        cause: error,
      });
    }
    return new CliError(
      'node-broke-off',
      `the connection to the node broke (${error.code ?? error.message}): see its log`,
      {
        cause: error,
      },
    );
  }

  #where(): string {
    const { host, port } = this.#api;
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  }
}

function noNode(home: string): CliError {
  return new CliError(
    'no-node',
    `no node is running on ${home}: start it with \`holdfast daemon\`, after \`holdfast init\` if the home is new`,
  );
}

/** @returns undefined when no daemon has written it */
export async function readApiFile(home: string): Promise<ApiFile | undefined> {
  const path = homePaths(home).api;
  try {
    const { host, port, pid } = JSON.parse(await readFile(path, 'utf8')) as Partial<ApiFile>;
    if (typeof host === 'string' && Number.isInteger(port)) {
      return { host: reachable(host), port: port as number, ...(Number.isInteger(pid) ? { pid: pid as number } : {}) };
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new CliError('bad-answer', `${path} is damaged: stop the daemon, delete the file and start it again`);
}

/** A server that listens on all addresses is called on the loopback. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

async function readBounded(response: IncomingMessage): Promise<string> {
  return (await readBytes(response)).toString('utf8');
}

async function readBytes(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new CliError('bad-answer', `the answer exceeds ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseJson<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new CliError('bad-answer', 'the answer is not JSON: is it a Holdfast node?', { cause: error });
  }
}

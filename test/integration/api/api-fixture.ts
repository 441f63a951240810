import { type IncomingHttpHeaders, request } from 'node:http';
import type { TestContext } from 'node:test';
import { createApiServer } from '../../../node/api/server.ts';
import { systemClock } from '../../../node/clock.ts';
import { silentLogger } from '../../../node/log.ts';
import { MemoryServices } from './memory-services.ts';

export const TOKEN = 'correct-token';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: NodeJS.Dict<string>;
  readonly body: Buffer;
  /** False when the connection broke before the body was complete. */
  readonly complete: boolean;
}

export interface CallOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly token?: string | null;
}

/** A listening API over in-memory services, stopped when the test ends. */
export async function startApi(t: TestContext, options: { readonly allowedHosts?: readonly string[] } = {}) {
  const services = new MemoryServices();
  const server = createApiServer({
    services,
    token: TOKEN,
    version: '0.0.0',
    log: silentLogger,
    clock: systemClock,
    host: '127.0.0.1',
    port: 0,
    ...options,
  });
  const { port } = await server.start();
  t.after(() => server.stop());
  return { services, server, port, call: (path: string, call: CallOptions = {}) => callApi(port, path, call) };
}

export function callApi(port: number, path: string, call: CallOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, token = TOKEN } = call;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        agent: false,
        headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        const done = () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            trailers: response.trailers,
            body: Buffer.concat(chunks),
            complete: response.complete,
          });
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', () => {});
        response.on('close', done);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export function jsonOf(answer: Answer) {
  return JSON.parse(answer.body.toString('utf8'));
}

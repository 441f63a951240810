import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { CodedError } from '../../protocol/errors.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { createApp } from './app.ts';
import type { NodeServices } from './services.ts';

export interface ApiServerOptions {
  readonly services: NodeServices;
  readonly token: string;
  readonly version: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly allowedHosts?: readonly string[];
}

export interface ApiAddress {
  readonly host: string;
  readonly port: number;
}

export interface ApiServer {
  /** Listens. @throws ApiServerError */
  start(): Promise<ApiAddress>;
  /** Breaks what is in flight and stops listening. */
  stop(): Promise<void>;
}

export type ApiServerErrorType = { readonly code: 'cannot-listen'; readonly host: string; readonly port: number };
export class ApiServerError extends CodedError<ApiServerErrorType> {}

export function createApiServer(options: ApiServerOptions): ApiServer {
  const stopping = new AbortController();
  let app: FastifyInstance | undefined;
  return {
    start: async () => {
      const { host, port, allowedHosts = [], ...rest } = options;
      app = await createApp({ ...rest, allowedHosts: [host, ...allowedHosts], stopping: stopping.signal });
      try {
        await app.listen({ host, port });
      } catch (error) {
        const reason = (error as NodeJS.ErrnoException).code ?? String(error);
        throw new ApiServerError(
          { code: 'cannot-listen', host, port },
          `the API cannot listen on ${host}:${port} (${reason}): set api.port to another port, or to 0 for any`,
          { cause: error },
        );
      }
      const bound = app.server.address() as AddressInfo;
      return { host: bound.address, port: bound.port };
    },
    stop: async () => {
      stopping.abort();
      await app?.close();
    },
  };
}

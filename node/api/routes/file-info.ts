import type { FastifyInstance } from 'fastify';
import { requestSignal } from '../request-signal.ts';
import type { RouteContext } from '../route-context.ts';
import {
  catalogPage,
  catalogQuery,
  fileHealth,
  healthQuery,
  manifest,
  problem,
  releaseResult,
  rootParams,
} from '../schemas.ts';

interface Root {
  Params: { root: string };
}

/** What is known about files, and giving them up. */
export function fileInfoRoutes(app: FastifyInstance, { services: { files }, stopping }: RouteContext): void {
  app.get<{ Querystring: { after?: string; limit: number } }>(
    '/v1/files',
    { schema: { querystring: catalogQuery, response: { 200: catalogPage, '4xx': problem } } },
    async (request) => files.list(request.query),
  );
  app.get<Root & { Querystring: { worst: number } }>(
    '/v1/files/:root/health',
    {
      schema: {
        params: rootParams,
        querystring: healthQuery,
        response: { 200: fileHealth, '4xx': problem, '5xx': problem },
      },
    },
    async (request, reply) =>
      files.health(request.params.root, { worst: request.query.worst, signal: requestSignal(reply, stopping) }),
  );
  app.get<Root>(
    '/v1/files/:root/manifest',
    { schema: { params: rootParams, response: { 200: manifest, '4xx': problem, '5xx': problem } } },
    async (request, reply) => files.manifest(request.params.root, requestSignal(reply, stopping)),
  );
  app.delete<Root>(
    '/v1/files/:root',
    { schema: { params: rootParams, response: { 200: releaseResult, '4xx': problem, '5xx': problem } } },
    async (request, reply) => files.release(request.params.root, requestSignal(reply, stopping)),
  );
}

import type { FastifyInstance } from 'fastify';
import {
  changesQuery,
  forgiveBody,
  peerParams,
  peerStanding,
  reputationDetails,
  reputationPage,
  reputationQuery,
} from '../reputation-schemas.ts';
import { requestSignal } from '../request-signal.ts';
import type { RouteContext } from '../route-context.ts';
import { problem } from '../schemas.ts';

interface Show {
  Params: { peer: string };
  Querystring: { before?: number; limit: number };
}

/** How this node sees others, and why. */
export function reputationRoutes(app: FastifyInstance, { services: { reputation }, stopping }: RouteContext): void {
  app.get<{ Querystring: { after?: string; limit: number } }>(
    '/v1/reputation',
    { schema: { querystring: reputationQuery, response: { 200: reputationPage, '4xx': problem } } },
    async (request) => reputation.list(request.query),
  );
  app.get<Show>(
    '/v1/reputation/:peer',
    {
      schema: {
        params: peerParams,
        querystring: changesQuery,
        response: { 200: reputationDetails, '4xx': problem, '5xx': problem },
      },
    },
    async (request, reply) =>
      reputation.show(request.params.peer, { ...request.query, signal: requestSignal(reply, stopping) }),
  );
  app.post<{ Params: { peer: string }; Body: { reason?: string } }>(
    '/v1/reputation/:peer/forgive',
    {
      schema: {
        params: peerParams,
        body: forgiveBody,
        response: { 200: peerStanding, '4xx': problem, '5xx': problem },
      },
    },
    async (request) => reputation.forgive(request.params.peer, request.body.reason),
  );
}

import type { FastifyInstance } from 'fastify';
import { requestSignal } from '../request-signal.ts';
import type { RouteContext } from '../route-context.ts';
import { object, problem, rootParams } from '../schemas.ts';
import {
  banBody,
  banDescription,
  banList,
  peerDetails,
  peerParams,
  placementExplanation,
  placementQuery,
} from '../selection-schemas.ts';

interface Peer {
  Params: { peer: string };
}

/** Which peers may hold what this node stores, and why. */
export function selectionRoutes(app: FastifyInstance, { services: { selection }, stopping }: RouteContext): void {
  const failures = { '4xx': problem, '5xx': problem };
  app.get<Peer>(
    '/v1/peers/:peer',
    { schema: { params: peerParams, response: { 200: peerDetails, ...failures } } },
    async (request) => selection.show(request.params.peer),
  );
  app.post<Peer & { Body: { reason?: string; seconds?: number } }>(
    '/v1/peers/:peer/ban',
    { schema: { params: peerParams, body: banBody, response: { 200: banDescription, ...failures } } },
    async (request) => selection.ban(request.params.peer, request.body),
  );
  app.delete<Peer>(
    '/v1/peers/:peer/ban',
    { schema: { params: peerParams, response: { 200: object({}), ...failures } } },
    async (request) => {
      await selection.unban(request.params.peer);
      return {};
    },
  );
  app.get('/v1/bans', { schema: { response: { 200: banList } } }, async () => ({ bans: await selection.bans() }));
  app.get<{ Params: { root: string }; Querystring: { segment: number } }>(
    '/v1/files/:root/placement',
    {
      schema: {
        params: rootParams,
        querystring: placementQuery,
        response: { 200: placementExplanation, ...failures },
      },
    },
    async (request, reply) =>
      selection.explain(request.params.root, request.query.segment, requestSignal(reply, stopping)),
  );
}

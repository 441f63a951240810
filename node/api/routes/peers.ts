import type { FastifyInstance } from 'fastify';
import { requestSignal } from '../request-signal.ts';
import type { RouteContext } from '../route-context.ts';
import { connectBody, peerDescription, peerList, problem } from '../schemas.ts';

export function peerRoutes(app: FastifyInstance, { services, stopping }: RouteContext): void {
  app.get('/v1/peers', { schema: { response: { 200: peerList } } }, async () => ({
    peers: await services.peers.list(),
  }));
  app.post<{ Body: { address: string } }>(
    '/v1/peers/connect',
    { schema: { body: connectBody, response: { 200: peerDescription, '4xx': problem, '5xx': problem } } },
    async (request, reply) => services.peers.connect(request.body.address, requestSignal(reply, stopping)),
  );
}

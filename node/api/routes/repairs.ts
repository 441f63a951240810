import type { FastifyInstance } from 'fastify';
import { repairBody, repairOverview, repairReports } from '../repair-schemas.ts';
import { requestSignal } from '../request-signal.ts';
import type { RouteContext } from '../route-context.ts';
import { problem } from '../schemas.ts';

/** What is repaired, what waits for it, and what cannot be; and repairs on request. */
export function repairRoutes(app: FastifyInstance, { services: { repairs }, stopping }: RouteContext): void {
  app.get('/v1/repairs', { schema: { response: { 200: repairOverview } } }, async () => repairs.overview());
  app.post<{ Body: { root?: string } }>(
    '/v1/repairs/run',
    { schema: { body: repairBody, response: { 200: repairReports, '4xx': problem, '5xx': problem } } },
    async (request, reply) => ({ repairs: await repairs.run(request.body.root, requestSignal(reply, stopping)) }),
  );
}

import type { FastifyInstance } from 'fastify';
import type { RouteContext } from '../route-context.ts';
import { liveness, readiness } from '../schemas.ts';
import type { HealthReason } from '../services.ts';

const UNAVAILABLE = 503;

/** `/livez`: the process answers. `/readyz`: database and listeners. `/healthz`: how well the node is, with reasons. */
export function probeRoutes(app: FastifyInstance, { services }: RouteContext): void {
  const answer = (reasons: readonly HealthReason[]) => ({ ok: reasons.every((reason) => reason.ok), reasons });
  app.get('/livez', { config: { public: true }, schema: { response: { 200: liveness } } }, async () => ({ ok: true }));
  const schema = { response: { 200: readiness, [UNAVAILABLE]: readiness } };
  app.get('/readyz', { config: { public: true }, schema }, async (_request, reply) => {
    const body = answer(await services.node.ready());
    return reply.code(body.ok ? 200 : UNAVAILABLE).send(body);
  });
  app.get('/healthz', { schema }, async (_request, reply) => {
    const body = answer(await services.node.health());
    return reply.code(body.ok ? 200 : UNAVAILABLE).send(body);
  });
}

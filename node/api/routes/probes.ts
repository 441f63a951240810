import type { FastifyInstance } from 'fastify';
import type { RouteContext } from '../route-context.ts';
import { liveness, livenessQuery, readiness } from '../schemas.ts';
import type { HealthReason } from '../services.ts';

const UNAVAILABLE = 503;

/** `/livez`: the process answers. `/readyz`: database and listeners. `/healthz`: how well the node is, with reasons. */
export function probeRoutes(app: FastifyInstance, { services, prove }: RouteContext): void {
  const answer = (reasons: readonly HealthReason[]) => ({ ok: reasons.every((reason) => reason.ok), reasons });
  app.get<{ Querystring: { nonce?: string } }>(
    '/livez',
    { config: { public: true }, schema: { querystring: livenessQuery, response: { 200: liveness } } },
    async ({ query: { nonce }, socket }) => ({
      ok: true,
      ...(nonce === undefined ? {} : { proof: prove(socket.localPort ?? 0, nonce) }),
    }),
  );
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

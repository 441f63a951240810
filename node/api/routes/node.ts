import type { FastifyInstance } from 'fastify';
import { requestSignal } from '../request-signal.ts';
import type { RouteContext } from '../route-context.ts';
import { auditBody, auditReports, configList, liveness, nodeDescription, problem } from '../schemas.ts';

const ACCEPTED = 202;

export function nodeRoutes(app: FastifyInstance, { services, stopping }: RouteContext): void {
  app.get('/v1/node', { schema: { response: { 200: nodeDescription } } }, async () => services.node.describe());
  app.get('/v1/config', { schema: { response: { 200: configList } } }, async () => ({
    entries: services.config.entries(),
  }));

  app.post('/v1/shutdown', { schema: { response: { [ACCEPTED]: liveness } } }, async (_request, reply) => {
    // The answer goes out first: the shutdown closes this very connection.
    reply.raw.once('finish', () => services.node.requestShutdown());
    return reply.code(ACCEPTED).send({ ok: true });
  });

  const { audits } = services;
  if (audits === undefined) return;
  app.post<{ Body: { root?: string } }>(
    '/v1/audits/run',
    { schema: { body: auditBody, response: { 200: auditReports, '4xx': problem } } },
    async (request, reply) => ({ audits: await audits.run(request.body.root, requestSignal(reply, stopping)) }),
  );
}

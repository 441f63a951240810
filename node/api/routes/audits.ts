import type { FastifyInstance } from 'fastify';
import { auditDetails, auditId, auditPage, auditSchedule, auditsQuery, receiptQuery } from '../audit-schemas.ts';
import type { RouteContext } from '../route-context.ts';
import { problem } from '../schemas.ts';

interface One {
  Params: { id: string };
}

/** Past audits, their receipts, and what is to come. */
export function auditRoutes(app: FastifyInstance, { services }: RouteContext): void {
  const { auditHistory } = services;
  app.get<{ Querystring: { peer?: string; before?: string; limit: number } }>(
    '/v1/audits',
    { schema: { querystring: auditsQuery, response: { 200: auditPage, '4xx': problem, '5xx': problem } } },
    async (request) => auditHistory.list(request.query),
  );
  app.get('/v1/audits/schedule', { schema: { response: { 200: auditSchedule } } }, async () => ({
    holders: await auditHistory.schedule(),
  }));
  app.get<One>(
    '/v1/audits/:id',
    { schema: { params: auditId, response: { 200: auditDetails, '4xx': problem, '5xx': problem } } },
    async (request) => auditHistory.get(request.params.id),
  );
  app.get<One & { Querystring: { manifest: boolean } }>(
    '/v1/receipts/:id',
    { schema: { params: auditId, querystring: receiptQuery, response: { '4xx': problem, '5xx': problem } } },
    async (request, reply) => {
      const file = await auditHistory.receipt(request.params.id, request.query);
      return reply.type('application/vnd.ipld.dag-cbor').send(Buffer.from(file.buffer, file.byteOffset, file.length));
    },
  );
}

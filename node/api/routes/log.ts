import type { FastifyInstance } from 'fastify';
import { logHead, logPage, logQuery, logVerification, verificationQuery } from '../log-schemas.ts';
import type { LogQuery } from '../log-service.ts';
import { requestSignal } from '../request-signal.ts';
import type { RouteContext } from '../route-context.ts';
import { problem } from '../schemas.ts';

/** The security log: reading it, and whether it is whole. */
export function logRoutes(app: FastifyInstance, { services: { securityLog }, stopping }: RouteContext): void {
  app.get<{ Querystring: LogQuery }>(
    '/v1/log',
    { schema: { querystring: logQuery, response: { 200: logPage, '4xx': problem, '5xx': problem } } },
    async (request, reply) => securityLog.list(request.query, requestSignal(reply, stopping)),
  );
  app.get('/v1/log/head', { schema: { response: { 200: logHead } } }, async () => securityLog.head());
  app.get<{ Querystring: { head?: string } }>(
    '/v1/log/verification',
    { schema: { querystring: verificationQuery, response: { 200: logVerification, '4xx': problem, '5xx': problem } } },
    async (request, reply) => securityLog.verify(request.query.head, requestSignal(reply, stopping)),
  );
}

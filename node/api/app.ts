import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { noteAdminCalls } from './admin-calls.ts';
import { asApiError } from './framework-error.ts';
import { hostGuard, tokenGuard } from './guards.ts';
import { LazySchemas } from './lazy-schemas.ts';
import {
  HEADERS_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  MAX_CONNECTIONS,
  MAX_HEADER_BYTES,
  MAX_JSON_BODY_BYTES,
} from './limits.ts';
import { answerThenDrain, isDue } from './linger.ts';
import { ApiError, type Problem, problemOf } from './problem.ts';
import type { RouteContext } from './route-context.ts';
import { auditRoutes } from './routes/audits.ts';
import { eventRoutes } from './routes/events.ts';
import { fileInfoRoutes } from './routes/file-info.ts';
import { fileReadRoutes } from './routes/file-read.ts';
import { fileWriteRoutes } from './routes/file-write.ts';
import { keepingRoutes } from './routes/keeping.ts';
import { logRoutes } from './routes/log.ts';
import { nodeRoutes } from './routes/node.ts';
import { peerRoutes } from './routes/peers.ts';
import { probeRoutes } from './routes/probes.ts';
import { repairRoutes } from './routes/repairs.ts';
import { reputationRoutes } from './routes/reputation.ts';
import { selectionRoutes } from './routes/selection.ts';
import type { NodeServices } from './services.ts';
import { tokenProof } from './token-proof.ts';

export interface AppOptions {
  readonly services: NodeServices;
  readonly token: string;
  readonly version: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** Names besides localhost and addresses that the Host header may carry. */
  readonly allowedHosts: readonly string[];
  /** Aborts what is in flight when the server stops. */
  readonly stopping: AbortSignal;
}

/** All routes and guards, not yet listening. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const schemas = new LazySchemas();
  const app = Fastify({
    bodyLimit: MAX_JSON_BODY_BYTES,
    connectionTimeout: IDLE_TIMEOUT_MS,
    // Uploads take as long as they take; headers and idle connections have their own limits.
    requestTimeout: 0,
    forceCloseConnections: true,
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS },
    routerOptions: { maxParamLength: 256 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: false } },
    schemaController: { compilersFactory: schemas.factory },
    clientErrorHandler: answerBrokenRequest,
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Holdfast node', description: 'Admin API of one Holdfast node.', version: options.version },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
  });

  const checkHost = hostGuard(options.allowedHosts);
  const checkToken = tokenGuard(options.token);
  const { services, log, clock, stopping } = options;
  const sendProblem = problemSender(clock, stopping);
  app.addHook('onRequest', async (request) => {
    checkHost(request);
    checkToken(request);
  });
  schemas.loadOnRequest(app);
  noteAdminCalls(app, clock, (call) => services.securityLog.adminCall(call));
  app.addHook('onSend', async (_request, reply, payload) => {
    reply.header('x-content-type-options', 'nosniff');
    return payload;
  });
  app.setErrorHandler((error, _request, reply) => {
    const problem = problemOf(asApiError(error));
    if (problem.code === 'internal') log.error('request failed', { detail: problem.detail });
    return sendProblem(reply, problem);
  });
  app.setNotFoundHandler((request, reply) => {
    const what = `${request.method} ${request.url.split('?')[0]}`;
    return sendProblem(reply, problemOf(new ApiError('no-such-route', `${what} is no route: see /openapi.json`)));
  });

  const prove = (port: number, nonce: string) => tokenProof(options.token, port, nonce);
  const context: RouteContext = { services, log, clock, stopping, prove };
  for (const routes of [
    probeRoutes,
    nodeRoutes,
    keepingRoutes,
    peerRoutes,
    selectionRoutes,
    reputationRoutes,
    repairRoutes,
    auditRoutes,
    fileInfoRoutes,
    fileReadRoutes,
    fileWriteRoutes,
    eventRoutes,
    logRoutes,
  ]) {
    await app.register(async (scope) => routes(scope, context));
  }
  app.get('/openapi.json', { config: { public: true }, schema: { hide: true } }, async () => app.swagger());
  await app.ready();
  return app;
}

function problemSender(clock: Clock, stopping: AbortSignal) {
  return (reply: FastifyReply, problem: Problem): FastifyReply => {
    if (problem.code === 'unauthorized') reply.header('www-authenticate', 'Bearer');
    const answer = JSON.stringify(problem);
    const request = reply.request.raw;
    if (isDue(request)) reply.header('connection', 'close');
    return reply
      .code(problem.status)
      .type('application/problem+json')
      .serializer((body: unknown) => JSON.stringify(body))
      .header('content-length', Buffer.byteLength(answer))
      .send(isDue(request) ? answerThenDrain(answer, request, clock, stopping) : problem);
  };
}

/** What cannot be parsed as HTTP has no request to reply to. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: import('node:net').Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const problem = tooLarge
    ? problemOf(new ApiError('too-large', `the headers are larger than ${MAX_HEADER_BYTES} bytes`))
    : problemOf(new ApiError('invalid-request', 'the request is not valid HTTP/1.1 or came too slowly'));
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'}\r\n` +
      `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    // The server keeps half-open connections; this one has nothing more to say.
    () => socket.destroy(),
  );
}

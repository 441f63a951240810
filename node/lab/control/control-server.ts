import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { asApiError } from '../../api/framework-error.ts';
import { hostGuard, tokenGuard } from '../../api/guards.ts';
import { HEADERS_TIMEOUT_MS, IDLE_TIMEOUT_MS, MAX_HEADER_BYTES, MAX_JSON_BODY_BYTES } from '../../api/limits.ts';
import { ApiError, problemOf } from '../../api/problem.ts';
import { requestSignal } from '../../api/request-signal.ts';
import { livenessQuery } from '../../api/schemas.ts';
import { tokenProof } from '../../api/token-proof.ts';
import type { Logger } from '../../log.ts';
import type { LabAction } from '../lab-action.ts';
import type { LabStatus } from '../lab-status.ts';
import type { LabReport } from '../record/lab-report.ts';
import { actionBody } from './control-schemas.ts';

/** What other terminals ask of a running lab. */
export interface ControlledLab {
  act(action: LabAction, signal: AbortSignal): Promise<number>;
  status(signal: AbortSignal): Promise<LabStatus>;
  report(signal: AbortSignal): Promise<LabReport>;
}

export interface ControlServerOptions {
  readonly lab: ControlledLab;
  readonly token: string;
  readonly log: Logger;
  /** Asks the lab to end; called once the answer is on its way. */
  readonly onDown: () => void;
}

export interface ControlServer {
  /** On a free port of 127.0.0.1. */
  start(): Promise<{ readonly host: string; readonly port: number }>;
  stop(): Promise<void>;
}

const ACCEPTED = 202;
/** A few terminals, and scripts in them. */
const MAX_CONNECTIONS = 32;

/** Lets other processes of this user act on a lab: the token is in the lab's folder, as that of a node is in its home. */
export function createControlServer(options: ControlServerOptions): ControlServer {
  const stopping = new AbortController();
  let app: FastifyInstance | undefined;
  return {
    async start() {
      app = createControlApp(options, stopping.signal);
      await app.listen({ host: '127.0.0.1', port: 0 });
      const { address, port } = app.server.address() as AddressInfo;
      return { host: address, port };
    },
    async stop() {
      stopping.abort();
      await app?.close();
    },
  };
}

function createControlApp({ lab, token, log, onDown }: ControlServerOptions, stopping: AbortSignal): FastifyInstance {
  const app = Fastify({
    bodyLimit: MAX_JSON_BODY_BYTES,
    connectionTimeout: IDLE_TIMEOUT_MS,
    requestTimeout: 0,
    forceCloseConnections: true,
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: false } },
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  const checkHost = hostGuard([]);
  const checkToken = tokenGuard(token);
  app.addHook('onRequest', async (request) => {
    checkHost(request);
    checkToken(request);
  });
  app.setErrorHandler((error, _request, reply) => {
    const problem = problemOf(asApiError(error));
    if (problem.code === 'internal') log.error('a control request failed', { detail: problem.detail });
    return sendProblem(reply, problem);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, problemOf(new ApiError('no-such-route', `${request.method} ${request.url} is no route`))),
  );

  app.get<{ Querystring: { nonce?: string } }>(
    '/livez',
    { config: { public: true }, schema: { querystring: livenessQuery } },
    async ({ query: { nonce }, socket }) => ({
      ok: true,
      ...(nonce === undefined ? {} : { proof: tokenProof(token, socket.localPort ?? 0, nonce) }),
    }),
  );
  app.get('/v1/lab', async (_request, reply) => lab.status(requestSignal(reply, stopping)));
  app.get('/v1/lab/report', async (_request, reply) => lab.report(requestSignal(reply, stopping)));
  app.post<{ Body: LabAction }>(
    '/v1/lab/actions',
    { schema: { body: actionBody } },
    // What was begun is done to its end, also when whoever asked for it goes away.
    async ({ body }) => ({ shards: await lab.act(body, stopping) }),
  );
  app.post('/v1/lab/down', async (_request, reply) => {
    reply.raw.once('finish', onDown);
    return reply.code(ACCEPTED).send({ ok: true });
  });
  return app;
}

function sendProblem(reply: FastifyReply, problem: ReturnType<typeof problemOf>): FastifyReply {
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem);
}

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Clock } from '../../clock.ts';
import { every } from '../every.ts';
import { HEARTBEAT_MS, PROGRESS_INTERVAL_MS, UPLOAD_STALL_MS } from '../limits.ts';
import { drainBody } from '../linger.ts';
import { ApiError, type Problem, problemOf } from '../problem.ts';
import { requestSignal } from '../request-signal.ts';
import type { RouteContext } from '../route-context.ts';
import { addQuery, addResult, problem } from '../schemas.ts';
import type { AddOptions, AddProgress, AddResult, CodeName, CommitmentsBy, FileKind } from '../services.ts';

interface AddRequest {
  Querystring: {
    kind: FileKind;
    indexLength?: number;
    name?: string;
    code: string;
    codeName?: CodeName;
    sourceId?: string;
    minShards?: number;
    commitments?: CommitmentsBy;
  };
}

/** One line of the streamed answer. */
export type AddLine =
  | { readonly type: 'progress'; readonly progress: AddProgress }
  | { readonly type: 'result'; readonly result: AddResult }
  | { readonly type: 'problem'; readonly problem: Problem };

const CREATED = 201;
const NDJSON = 'application/x-ndjson';

/**
 * `POST /v1/files`: a body of any length. With `Accept: application/x-ndjson` the answer is one JSON object a line:
 * `{type: "progress", progress}` as it goes, and at last `{type: "result", result}` or `{type: "problem", problem}`.
 */
export function fileWriteRoutes(app: FastifyInstance, { services: { files }, stopping, clock }: RouteContext): void {
  // Only here: the body stays a stream, everywhere else it is bounded JSON.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/octet-stream', (_request, _body, done) => done(null));
  app.post<AddRequest>(
    '/v1/files',
    {
      schema: {
        description: `Body: application/octet-stream. Accept: ${NDJSON} for progress lines before the result.`,
        querystring: addQuery,
        response: { [CREATED]: addResult, '4xx': problem, '5xx': problem },
      },
    },
    async (request, reply) => {
      const stalled = new AbortController();
      const signal = AbortSignal.any([requestSignal(reply, stopping), stalled.signal]);
      const source = readBody(request.raw, clock, stalled);
      const add = async (onProgress: (progress: AddProgress) => void) => {
        try {
          return await files.add(source, { ...addOptions(request.query), onProgress, signal });
        } finally {
          // Whoever gave the upload up may have left its source half read.
          void source.return();
        }
      };
      if (request.headers.accept?.includes(NDJSON) === true) return streamResult(reply, clock, stopping, add);
      return reply.code(CREATED).send(await add(() => {}));
    },
  );
}

/** @throws ApiError invalid-request */
function addOptions(query: AddRequest['Querystring']): Omit<AddOptions, 'onProgress' | 'signal'> {
  const { code, indexLength, kind, ...rest } = query;
  if ((kind === 'tree') !== (indexLength !== undefined)) {
    throw new ApiError('invalid-request', 'indexLength goes with kind=tree, and only with it');
  }
  const [k = 0, m = 0] = code.split('+').map(Number);
  if (code !== 'auto' && (k < 1 || k + m > 64)) {
    throw new ApiError('invalid-request', `code ${code} is not possible: k+m with k at least 1 and k+m at most 64`);
  }
  return {
    ...rest,
    kind,
    code: code === 'auto' ? code : { k, m },
    ...(indexLength === undefined ? {} : { indexLength }),
  };
}

/** The body, which must arrive whole and must not stop moving. */
async function* readBody(
  request: IncomingMessage,
  clock: Clock,
  stalled: AbortController,
): AsyncGenerator<Uint8Array, void, void> {
  // Only the time spent waiting for the client counts, not the time it waits for us.
  let waitingSince: number | undefined = clock.monotonic();
  const stopWatch = every(clock, UPLOAD_STALL_MS / 10, () => {
    if (waitingSince === undefined || clock.monotonic() - waitingSince < UPLOAD_STALL_MS) return;
    stalled.abort(new ApiError('timeout', `the body stopped for ${UPLOAD_STALL_MS / 60_000} minutes`));
    request.destroy();
  });
  try {
    // Destroying the body would destroy the connection, and with it the answer that says why it was not wanted.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      waitingSince = undefined;
      yield chunk;
      waitingSince = clock.monotonic();
    }
  } catch (error) {
    throw new ApiError('upload-incomplete', 'the client stopped sending before the body was complete', {
      cause: error,
    });
  } finally {
    stopWatch();
  }
  // A connection that breaks exactly between two chunks may end the iteration without an error.
  if (!request.complete) throw new ApiError('upload-incomplete', 'the body ended before it was complete');
}

async function streamResult(
  reply: FastifyReply,
  clock: Clock,
  stopping: AbortSignal,
  add: (onProgress: (progress: AddProgress) => void) => Promise<AddResult>,
): Promise<FastifyReply> {
  const response = reply.raw;
  let latest: AddProgress = { phase: 'store', bytes: 0, shards: 0 };
  const writeLine = (line: AddLine) => {
    if (!response.headersSent) {
      reply.hijack();
      response.writeHead(200, {
        'content-type': NDJSON,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
    }
    if (!response.destroyed) response.write(`${JSON.stringify(line)}\n`);
  };
  let written: AddProgress | undefined;
  let quietMs = 0;
  const stopProgress = every(clock, PROGRESS_INTERVAL_MS, () => {
    quietMs += PROGRESS_INTERVAL_MS;
    if ((latest === written && quietMs < HEARTBEAT_MS) || response.writableNeedDrain) return;
    quietMs = 0;
    written = latest;
    writeLine({ type: 'progress', progress: latest });
  });
  try {
    const result = await add((progress) => {
      latest = progress;
    });
    stopProgress();
    writeLine({ type: 'result', result });
  } catch (error) {
    stopProgress();
    // Nothing was sent yet: the failure still gets its proper status.
    if (!response.headersSent) throw error;
    writeLine({ type: 'problem', problem: problemOf(error) });
    await drainBody(reply.request.raw, clock, stopping);
  }
  response.end();
  return reply;
}

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../clock.ts';
import { every } from '../every.ts';
import { UPLOAD_STALL_MS } from '../limits.ts';
import { ApiError } from '../problem.ts';
import { requestSignal } from '../request-signal.ts';
import type { RouteContext } from '../route-context.ts';
import { addQuery, addResult, problem } from '../schemas.ts';
import type { AddOptions, AddProgress, AddResult, CodeName, CommitmentsBy, FileKind } from '../services.ts';
import { NDJSON, streamAnswer } from '../streamed-answer.ts';

interface AddRequest {
  Querystring: {
    kind: FileKind;
    indexLength?: number;
    name?: string;
    size?: number;
    code?: string;
    codeName?: CodeName;
    sourceId?: string;
    minShards?: number;
    commitments?: CommitmentsBy;
  };
}

const CREATED = 201;
const NO_PROGRESS: AddProgress = { phase: 'store', bytes: 0, shards: 0 };

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
      if (request.headers.accept?.includes(NDJSON) === true) {
        return streamAnswer<AddProgress, AddResult>(reply, { clock, stopping, first: NO_PROGRESS, work: add });
      }
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
  return {
    ...rest,
    kind,
    ...(code === undefined ? {} : { code: codeOf(code) }),
    ...(indexLength === undefined ? {} : { indexLength }),
  };
}

/** @throws ApiError invalid-request */
function codeOf(text: string): NonNullable<AddOptions['code']> {
  if (text === 'auto') return text;
  const [k = 0, m = 0] = text.split('+').map(Number);
  if (k >= 1 && k + m <= 64) return { k, m };
  throw new ApiError('invalid-request', `code ${text} is not possible: k+m with k at least 1 and k+m at most 64`);
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

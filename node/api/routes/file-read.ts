import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { freeBytes } from '../../free-bytes.ts';
import { parseRange } from '../byte-range.ts';
import { ApiError, type Problem, problemOf } from '../problem.ts';
import { requestSignal } from '../request-signal.ts';
import type { RouteContext } from '../route-context.ts';
import { keyHeaders, problem, rootParams } from '../schemas.ts';
import type { ByteRange, OpenFile } from '../services.ts';

interface ReadRequest {
  Params: { root: string };
  Headers: { 'holdfast-key'?: string; 'holdfast-trailer'?: string };
}

/**
 * `GET|HEAD /v1/files/{root}`. The length is announced and the connection is broken when the rest cannot be had, so that a
 * truncated file never looks complete. A client that sends `holdfast-trailer: 1` gets a chunked body that ends in the
 * trailer `holdfast-result`: `ok`, or the problem (JSON, percent-encoded); without the trailer the body is truncated.
 */
export function fileReadRoutes(app: FastifyInstance, { services: { files }, stopping, log }: RouteContext): void {
  app.route<ReadRequest>({
    method: ['GET', 'HEAD'],
    url: '/v1/files/:root',
    schema: { params: rootParams, headers: keyHeaders, response: { '4xx': problem, '5xx': problem } },
    handler: async (request, reply) => {
      const signal = requestSignal(reply, stopping);
      const keyText = request.headers['holdfast-key'];
      const file = await files.open(request.params.root, {
        ...(keyText === undefined ? {} : { key: new Uint8Array(Buffer.from(keyText, 'base64url')) }),
        signal,
      });
      describe(reply, file);
      if (request.headers['if-none-match']?.includes(etagOf(file)) === true) return reply.code(304).send();
      const range = chooseRange(request, reply, file);
      if (request.method === 'HEAD') {
        reply.header('content-length', range.end - range.start);
        return reply.send();
      }
      if (!file.readable) {
        throw new ApiError('key-required', `${file.root} is encrypted: give the whole link, with the part after #`);
      }
      const chunks = file.read(range, signal)[Symbol.asyncIterator]();
      // The first bytes are fetched before the status is sent: most failures show here and get a proper one. An empty file
      // has none, and is read too: its key and its holders are checked.
      const first = await chunks.next();
      reply.hijack();
      const withTrailer = request.headers['holdfast-trailer'] === '1';
      sendHead(reply, range, withTrailer);
      try {
        await pump(reply.raw, first, chunks, range.end - range.start);
        finish(reply.raw, withTrailer, 'ok');
      } catch (error) {
        await chunks.return?.().catch(() => undefined);
        const failure = problemOf(error);
        if (failure.code !== 'aborted') log.warn('download failed', { root: file.root, detail: failure.detail });
        if (withTrailer) finish(reply.raw, true, encodeProblem(failure));
        else reply.raw.destroy();
      }
      return reply;
    },
  });
}

function etagOf(file: OpenFile): string {
  return `"${file.root}"`;
}

function describe(reply: FastifyReply, file: OpenFile): void {
  reply
    .type('application/octet-stream')
    .header('etag', etagOf(file))
    .header('accept-ranges', 'bytes')
    .header('cache-control', 'private, no-store')
    .header('holdfast-kind', file.kind)
    .header('holdfast-size', file.size)
    .header('holdfast-created', file.created);
  if (file.indexLength !== undefined) reply.header('holdfast-index-length', file.indexLength);
  if (file.name !== undefined) reply.header('holdfast-name', encodeURIComponent(file.name.toWellFormed()));
}

/** Sets status and Content-Range. @throws ApiError range-not-satisfiable */
function chooseRange(request: FastifyRequest, reply: FastifyReply, file: OpenFile): ByteRange {
  const condition = request.headers['if-range'];
  const applies = condition === undefined || condition === etagOf(file);
  const range = applies ? parseRange(request.headers.range, file.size) : undefined;
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${file.size}`);
    throw new ApiError('range-not-satisfiable', `the range lies outside the file, which has ${file.size} bytes`, {
      data: { size: file.size },
    });
  }
  if (range === undefined) return { start: 0, end: file.size };
  reply.code(206).header('content-range', `bytes ${range.start}-${range.end - 1}/${file.size}`);
  return range;
}

function sendHead(reply: FastifyReply, range: ByteRange, withTrailer: boolean): void {
  const headers = {
    ...(reply.getHeaders() as Record<string, string>),
    'x-content-type-options': 'nosniff',
    'holdfast-length': range.end - range.start,
    ...(withTrailer ? { trailer: 'holdfast-result' } : { 'content-length': range.end - range.start }),
  };
  reply.raw.writeHead(reply.statusCode, headers);
}

/** Writes exactly `length` bytes at the client's pace. @throws when the source has fewer or more, or fails */
async function pump(
  response: ServerResponse,
  first: IteratorResult<Uint8Array>,
  chunks: AsyncIterator<Uint8Array>,
  length: number,
): Promise<void> {
  let sent = 0;
  for (let item = first; item.done !== true; item = await chunks.next()) {
    sent += item.value.length;
    if (sent > length) throw new ApiError('internal', `the file gave more than the ${length} bytes announced`);
    const bytes = item.value;
    const freed = (error?: Error | null) => {
      if (error == null) freeBytes(bytes);
    };
    if (!response.write(bytes, freed)) await drained(response);
  }
  if (sent !== length) throw new ApiError('internal', `the file ended after ${sent} of ${length} bytes`);
}

async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) throw new ApiError('aborted', 'the client went away');
  const waiting = new AbortController();
  const gone = once(response, 'close', { signal: waiting.signal }).then(() => {
    throw new ApiError('aborted', 'the client went away');
  });
  try {
    await Promise.race([once(response, 'drain', { signal: waiting.signal }), gone]);
  } finally {
    gone.catch(() => undefined);
    waiting.abort();
  }
}

function finish(response: ServerResponse, withTrailer: boolean, result: string): void {
  if (withTrailer) response.addTrailers({ 'holdfast-result': result });
  response.end();
}

const MAX_TRAILER_DETAIL = 1000;
const MAX_TRAILER_CAUSES = 3;

/** Bounded, because a parser counts trailers as headers. */
function encodeProblem(failure: Problem): string {
  const causes = failure.causes?.slice(0, MAX_TRAILER_CAUSES).map((cause) => cause.slice(0, MAX_TRAILER_DETAIL));
  const detail = failure.detail.slice(0, MAX_TRAILER_DETAIL);
  const shortened = { ...failure, detail, ...(causes === undefined ? {} : { causes }) };
  return encodeURIComponent(JSON.stringify(shortened).toWellFormed());
}

import type { FastifyReply } from 'fastify';
import type { Clock } from '../clock.ts';
import { every } from './every.ts';
import { HEARTBEAT_MS, PROGRESS_INTERVAL_MS } from './limits.ts';
import { drainBody } from './linger.ts';
import { type Problem, problemOf } from './problem.ts';

export const NDJSON = 'application/x-ndjson';

/** One line of a streamed answer: progress as it goes, and at last the result or the problem. */
export type AnswerLine<P, R> =
  | { readonly type: 'progress'; readonly progress: P }
  | { readonly type: 'result'; readonly result: R }
  | { readonly type: 'problem'; readonly problem: Problem };

export interface StreamedWork<P, R> {
  readonly clock: Clock;
  readonly stopping: AbortSignal;
  /** What is told until there is progress. */
  readonly first: P;
  work(onProgress: (progress: P) => void): Promise<R>;
}

/** Answers with one JSON object a line while the work goes on. What fails before the first line keeps its status. */
export async function streamAnswer<P, R>(reply: FastifyReply, options: StreamedWork<P, R>): Promise<FastifyReply> {
  const { clock, stopping, first, work } = options;
  const response = reply.raw;
  let latest = first;
  const writeLine = (line: AnswerLine<P, R>) => {
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
  let written: P | undefined;
  let quietMs = 0;
  const stopProgress = every(clock, PROGRESS_INTERVAL_MS, () => {
    quietMs += PROGRESS_INTERVAL_MS;
    if ((latest === written && quietMs < HEARTBEAT_MS) || response.writableNeedDrain) return;
    quietMs = 0;
    written = latest;
    writeLine({ type: 'progress', progress: latest });
  });
  try {
    const result = await work((progress) => {
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

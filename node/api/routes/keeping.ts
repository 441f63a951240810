import type { FastifyInstance } from 'fastify';
import type { LeaveProgress, LeaveReport } from '../leave-service.ts';
import { requestSignal } from '../request-signal.ts';
import type { RouteContext } from '../route-context.ts';
import { leaveBody, leaveReport, liveness, problem, scrubReport, storage } from '../schemas.ts';
import type { ScrubProgress, ScrubReport } from '../scrub-report.ts';
import { NDJSON, streamAnswer } from '../streamed-answer.ts';

const NOTHING_READ: ScrubProgress = { checkedShards: 0, damagedShards: 0, unreadableShards: 0, totalShards: 0 };
const NOTHING_LEFT: LeaveProgress = { shards: 0, doneShards: 0, sentBytes: 0 };

/** What is stored here, the reading of it all, and how to hand it over. With `Accept: application/x-ndjson` work tells its progress. */
export function keepingRoutes(app: FastifyInstance, { services, stopping, clock }: RouteContext): void {
  app.get('/v1/storage', { schema: { response: { 200: storage } } }, async () => services.storage.usage());
  app.post(
    '/v1/storage/scrub',
    {
      schema: {
        description: `Reads and checks everything that is stored. Accept: ${NDJSON} for progress lines before the result.`,
        response: { 200: scrubReport, '4xx': problem, '5xx': problem },
      },
    },
    async (request, reply) => {
      const signal = requestSignal(reply, stopping);
      const work = (onProgress: (progress: ScrubProgress) => void) => services.storage.scrub({ onProgress, signal });
      if (request.headers.accept?.includes(NDJSON) !== true) return work(() => {});
      return streamAnswer<ScrubProgress, ScrubReport>(reply, { clock, stopping, first: NOTHING_READ, work });
    },
  );
  app.post<{ Body: { timeoutMs?: number } }>(
    '/v1/node/leave',
    {
      schema: {
        description: `Hands over what the node holds; from then on it takes nothing new. Accept: ${NDJSON} for progress lines before the result.`,
        body: leaveBody,
        response: { 200: leaveReport, '4xx': problem, '5xx': problem },
      },
    },
    async (request, reply) => {
      const signal = requestSignal(reply, stopping);
      const work = (onProgress: (progress: LeaveProgress) => void) =>
        services.leave.leave({ ...request.body, onProgress, signal });
      if (request.headers.accept?.includes(NDJSON) !== true) return work(() => {});
      return streamAnswer<LeaveProgress, LeaveReport>(reply, { clock, stopping, first: NOTHING_LEFT, work });
    },
  );
  app.delete('/v1/node/leave', { schema: { response: { 200: liveness } } }, async () => {
    services.leave.cancel();
    return { ok: true };
  });
}

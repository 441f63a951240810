import type { FastifyInstance } from 'fastify';
import type { Clock } from '../clock.ts';
import type { AdminCall } from './log-service.ts';

/** Calls with these methods change nothing. */
const READING = new Set(['GET', 'HEAD', 'OPTIONS']);
const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
/** Whoever has no token may call as often as he likes: only one such call a minute goes into the log. */
const REFUSED_EVERY_MS = 60_000;

/** Tells of each call that changes something, once it is answered; never of what it carried. */
export function noteAdminCalls(
  app: FastifyInstance,
  clock: Pick<Clock, 'monotonic'>,
  note: (call: AdminCall) => void,
): void {
  let refusedAt = Number.NEGATIVE_INFINITY;
  app.addHook('onResponse', async (request, reply) => {
    const { method, is404, routeOptions } = request;
    const status = reply.statusCode;
    if (is404 || READING.has(method) || routeOptions.url === undefined) return;
    if (status === UNAUTHORIZED || status === FORBIDDEN) {
      if (clock.monotonic() - refusedAt < REFUSED_EVERY_MS) return;
      refusedAt = clock.monotonic();
    }
    note({ method, route: routeOptions.url, status });
  });
}

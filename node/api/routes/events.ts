import type { FastifyInstance } from 'fastify';
import { every } from '../every.ts';
import { EVENT_HEARTBEAT_MS, MAX_EVENT_BACKLOG_BYTES, MAX_EVENT_STREAMS } from '../limits.ts';
import { ApiError } from '../problem.ts';
import type { RouteContext } from '../route-context.ts';
import { problem } from '../schemas.ts';

/** `GET /v1/events`: server-sent events (HTML Living Standard §9.2), one `NodeEvent` each, in bounded memory. */
export function eventRoutes(app: FastifyInstance, { services: { events }, stopping, clock }: RouteContext): void {
  let streams = 0;
  app.get(
    '/v1/events',
    { schema: { description: 'Server-sent events; data is a NodeEvent as JSON.', response: { '5xx': problem } } },
    async (_request, reply) => {
      if (streams >= MAX_EVENT_STREAMS) throw new ApiError('busy', `${streams} event streams are open: close one`);
      streams += 1;
      const response = reply.hijack().raw;
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write(': connected\n\n');
      const send = (frame: string) => {
        if (response.writableLength > MAX_EVENT_BACKLOG_BYTES) response.destroy();
        else response.write(frame);
      };
      const stopHeartbeat = every(clock, EVENT_HEARTBEAT_MS, () => send(': alive\n\n'));
      const unsubscribe = events.subscribe((event) => {
        send(`event: ${event.type.replace(/\s/g, '-')}\ndata: ${JSON.stringify(event)}\n\n`);
      });
      const end = () => response.end();
      stopping.addEventListener('abort', end, { once: true });
      response.once('close', () => {
        streams -= 1;
        stopHeartbeat();
        unsubscribe();
        stopping.removeEventListener('abort', end);
      });
      return reply;
    },
  );
}

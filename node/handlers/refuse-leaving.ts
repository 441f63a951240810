import type { RequestRefused } from '../network/errors.ts';
import { type Handler, refuse } from './handler.ts';

export function refusedAsLeaving(): RequestRefused {
  return refuse('not-allowed', 'leaving', 'this node leaves the network and stores nothing new');
}

/** The handler, as long as this node does not leave. Only for methods that make new promises. */
export function refuseLeaving(handler: Handler, isLeaving: () => boolean): Handler {
  return async (request, exchange) => {
    if (isLeaving()) throw refusedAsLeaving();
    await handler(request, exchange);
  };
}

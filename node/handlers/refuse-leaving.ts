import { type Handler, refuse } from './handler.ts';

/** The handler, as long as this node does not leave. Only for methods that make new promises. */
export function refuseLeaving(handler: Handler, isLeaving: () => boolean): Handler {
  return async (request, exchange) => {
    if (isLeaving()) throw refuse('not-allowed', 'leaving', 'this node leaves the network and stores nothing new');
    await handler(request, exchange);
  };
}

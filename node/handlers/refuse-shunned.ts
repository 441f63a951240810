import { type Handler, refuse } from './handler.ts';

/**
 * The handler, for everyone but peers that the operator shuns (banned or on the deny list). Only for methods that make new
 * promises: what this node signed for before, it goes on to prove, serve and release.
 */
export function refuseShunned(handler: Handler, isShunned: (peer: string) => boolean): Handler {
  return async (request, exchange) => {
    if (isShunned(exchange.remote)) throw refuse('not-allowed', 'banned', 'this node stores nothing for you');
    await handler(request, exchange);
  };
}

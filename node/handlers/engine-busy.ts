import type { Clock } from '../clock.ts';
import { KzgError } from '../kzg/engine.ts';
import { RequestRefused } from '../network/errors.ts';
import type { Handler } from './handler.ts';

/** A full queue of 4,096 jobs takes half a minute; a place in it is free much sooner. */
const BUSY_MS = 1_000;

/** The handler, answering `busy` when the KZG engine has no room for its work. */
export function busyWithEngine(handler: Handler, clock: Pick<Clock, 'now'>): Handler {
  return async (request, exchange) => {
    try {
      await handler(request, exchange);
    } catch (error) {
      if (!(error instanceof KzgError) || error.code !== 'queue-full') throw error;
      throw new RequestRefused({ status: 'busy', retryAt: clock.now() + BUSY_MS });
    }
  };
}

import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { NodeServices } from './services.ts';

/** What every group of routes is handed. */
export interface RouteContext {
  readonly services: NodeServices;
  readonly log: Logger;
  readonly clock: Clock;
  readonly stopping: AbortSignal;
  /** What shows a client that this node knows the token; see `tokenProof`. */
  readonly prove: (port: number, nonce: string) => string;
}

import type { NodeServices } from './api/services.ts';
import type { Clock } from './clock.ts';
import type { ResolvedConfig } from './config/config.ts';
import type { Identity } from './identity/identity.ts';
import type { Logger } from './log.ts';

/** What a node needs to be built: `createNode(options: NodeOptions): Promise<HoldfastNode>`. */
export interface NodeOptions {
  readonly home: string;
  readonly identity: Identity;
  /** With the origins, which `GET /v1/config` shows. */
  readonly resolved: ResolvedConfig;
  readonly version: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** Called when a client of the API asks the process to stop. */
  readonly onShutdownRequest: () => void;
}

export interface HoldfastNode {
  /** What the API serves; usable between `start` and `stop`. */
  readonly services: NodeServices;
  /** Opens the databases, then the listeners. @throws StoreError home-in-use, … */
  start(): Promise<void>;
  /** Finishes or gives up what is in flight, closes the listeners, then the databases. */
  stop(): Promise<void>;
}

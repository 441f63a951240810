import type { Clock } from '../clock.ts';
import type { ResolvedConfig } from '../config/config.ts';
import type { Handler } from '../handlers/handler.ts';
import type { HandledMethod } from '../handlers/table.ts';
import type { Identity } from '../identity/identity.ts';
import type { KzgEngine } from '../kzg/engine.ts';
import type { Logger } from '../log.ts';
import type { ConnectionGate } from '../network/connection-gate.ts';
import type { RandomBytes } from '../random.ts';
import type { ShardReader } from '../store/shard-types.ts';

export interface NodeOptions {
  /** Initialised by `initialiseHome`. */
  readonly home: string;
  readonly identity: Identity;
  readonly resolved: ResolvedConfig;
  readonly version: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random?: RandomBytes;
  /** Shared with other nodes of this process; whoever made it starts and stops it. */
  readonly engine?: KzgEngine;
  /** Lab only: what this node reads when it proves or serves, in place of the truth. */
  readonly shardReader?: (honest: ShardReader) => ShardReader;
  /** Lab only: what this node does for others, in place of what it should. */
  readonly handlers?: (honest: Record<HandledMethod, Handler>) => Record<HandledMethod, Handler>;
  /** Lab only: whom this node has no connection with. */
  readonly gate?: ConnectionGate;
  readonly onShutdownRequest?: () => void;
}

import type { MemberState } from './fleet.ts';
import type { SeenAs } from './record/standings.ts';

export interface NodeStatus extends SeenAs {
  readonly number: number;
  readonly peer: string;
  /** HOLDFAST_HOME of commands at this node. */
  readonly home: string;
  readonly state: MemberState;
  /** Of its process, where it has one of its own. */
  readonly pid?: number;
  /** Null while it does not run. */
  readonly shards: number | null;
  readonly damagedShards: number | null;
  /** What is wrong with it on purpose, in words. */
  readonly faults: readonly string[];
  /** It lied or flooded at some time. */
  readonly dishonest: boolean;
}

/** A lab as `testnet status` shows it. */
export interface LabStatus {
  readonly name: string;
  readonly folder: string;
  /** Whether each node is a process of its own. */
  readonly processes: boolean;
  /** Whether all nodes have started and met. */
  readonly ready: boolean;
  /** Since then. */
  readonly seconds: number;
  /** Watched. */
  readonly files: number;
  readonly nodes: readonly NodeStatus[];
  /** Groups between which there is no connection. */
  readonly partition?: readonly (readonly number[])[];
  readonly churnPerMinute?: number;
}

import type { AuditHistoryService } from '../api/audit-history-service.ts';
import type { PeersService } from '../api/peers-service.ts';
import type { RepairOverview } from '../api/repairs-service.ts';
import type { ReputationApi } from '../api/reputation-service.ts';
import type { AddResult, CatalogPage, FileHealth, StorageDescription } from '../api/services.ts';
import type { Traffic } from '../network/traffic.ts';
import type { RandomBytes } from '../random.ts';
import type { FaultOrder, FaultResult } from './faults/fault-order.ts';

export type MemberState = 'running' | 'stopped' | 'killed';

/** The erasure code of a new file. */
export type WantedCode = 'auto' | { readonly k: number; readonly m: number };

/** What a lab asks of a node that runs, as any user of its API could. */
export interface MemberServices {
  storage(): Promise<StorageDescription>;
  readonly peers: PeersService;
  readonly reputation: Pick<ReputationApi, 'list'>;
  readonly auditHistory: Pick<AuditHistoryService, 'list'>;
  repairs(): Promise<RepairOverview>;
  files(limit: number): Promise<CatalogPage>;
  add(
    source: AsyncIterable<Uint8Array>,
    options: { readonly name: string; readonly code: WantedCode; readonly signal: AbortSignal },
  ): Promise<AddResult>;
  /** The whole content. Throws in mid-stream when the rest cannot be had. */
  read(link: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  health(root: string, signal: AbortSignal): Promise<FileHealth>;
}

/** One node of a running lab, in this process or in one of its own. */
export interface LabMember {
  /** From 1. */
  readonly number: number;
  readonly peer: string;
  /** HOLDFAST_HOME of commands at this node. */
  readonly home: string;
  readonly state: MemberState;
  /** Of its process, where it has one of its own. */
  readonly pid?: number;
  /** Where others call it. */
  readonly address: string;
  /** @throws ApiError not-ready when it does not run */
  readonly services: MemberServices;
  /** Makes it fail. @throws ApiError not-ready when it does not run */
  fault(order: FaultOrder, signal: AbortSignal): Promise<FaultResult>;
  /** Bytes moved since the lab began, over all its runs. */
  traffic(): Promise<Traffic>;
}

/** All nodes of a lab. */
export interface Fleet {
  readonly members: readonly LabMember[];
  /** Starts all and waits until they know each other. `stop` must be called also when this fails. */
  start(signal: AbortSignal): Promise<void>;
  /** Ends a node as a crash does; nothing when it does not run. */
  kill(number: number): Promise<void>;
  /** Ends a node in order; nothing when it does not run. */
  halt(number: number): Promise<void>;
  /** Starts a node that does not run on what it had kept. */
  revive(number: number, signal: AbortSignal): Promise<void>;
  /** Ends all nodes; homes stay. */
  stop(): Promise<void>;
}

/** What both forms of a lab are made of. */
export interface FleetOptions {
  readonly nodes: number;
  /** There already; node i has its home in `node-<i>` below it. */
  readonly folder: string;
  /** Bytes each node offers. */
  readonly capacityBytes: number;
  /** Further configuration of every node, by option key. */
  readonly config: ReadonlyMap<string, string>;
  /** Draws the identities of the nodes. */
  readonly seeds: RandomBytes;
  readonly onStarted: (nodes: number) => void;
}

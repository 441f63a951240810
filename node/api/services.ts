/**
 * What the HTTP API needs of a node: the API declares it, `node/` implements it, tests put an in-memory form in its place.
 * Everything here is plain JSON except streams and keys. Sizes are bytes, times are milliseconds since 1970 unless a name
 * says otherwise, roots are CID strings, peers are libp2p peer-id strings. Failures are `ApiError`s.
 */
import type { OperationReport } from '../kzg/operations.ts';
import type { AuditHistoryService } from './audit-history-service.ts';
import type { LeaveService } from './leave-service.ts';
import type { SecurityLogService } from './log-service.ts';
import type { PeersService } from './peers-service.ts';
import type { RepairsService } from './repairs-service.ts';
import type { ReputationApi } from './reputation-service.ts';
import type { ScrubDescription, ScrubProgress, ScrubReport } from './scrub-report.ts';
import type { SelectionService } from './selection-service.ts';

export type FileKind = 'file' | 'tree';
export type CodeName = 'fr-lagrange' | 'gf256' | 'replica';
/** Who computes the commitments of a file: this node, its holders (checked by this node), or whoever is faster. */
export type CommitmentsBy = 'auto' | 'local' | 'delegated';

/** k data and m parity shards of a stripe. */
export interface CodeDescription {
  readonly name: CodeName;
  readonly k: number;
  readonly m: number;
}

export interface AddOptions {
  readonly kind: FileKind;
  /** Trees only: length of the index that ends the stream. */
  readonly indexLength?: number;
  /** For the catalog only; never leaves this node. */
  readonly name?: string;
  /** Bytes of the body, when known: a hint for the choice of holders. */
  readonly size?: number;
  /** `auto` = the largest standard parameters that the eligible peers allow; absent = as configured. */
  readonly code?: 'auto' | { readonly k: number; readonly m: number };
  /** Absent = the configured code. */
  readonly codeName?: CodeName;
  /** Identity of the source (hex, 32 bytes): the same id after a crash resumes. Absent = never resumed. */
  readonly sourceId?: string;
  /** Shards of each stripe that must be signed for before the file is acknowledged; absent = all. */
  readonly minShards?: number;
  /** Who computes the commitments; absent = as configured. */
  readonly commitments?: CommitmentsBy;
  readonly onProgress: (progress: AddProgress) => void;
  readonly signal: AbortSignal;
}

export interface AddProgress {
  readonly phase: 'store' | 'finalize';
  /** Plaintext bytes taken from the source so far. */
  readonly bytes: number;
  readonly shards: number;
}

export interface AddResult {
  readonly root: string;
  readonly link: string;
  readonly size: number;
  readonly kind: FileKind;
  readonly code: CodeDescription;
  readonly stripes: number;
  readonly shards: number;
  readonly storedBytes: number;
  readonly holders: number;
  /** Bytes that an earlier, interrupted upload had stored already. */
  readonly resumedBytes: number;
  /** Who computed the commitments at last, why, and how many of them holders made. */
  readonly commitments: {
    readonly mode: Exclude<CommitmentsBy, 'auto'>;
    readonly reason: string;
    readonly claimed: number;
  };
  readonly warnings: readonly string[];
}

/** Half-open: `start` ≤ byte < `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A file whose manifest was found, ready to be read. */
export interface OpenFile {
  readonly root: string;
  readonly size: number;
  readonly kind: FileKind;
  readonly indexLength?: number;
  readonly created: number;
  readonly name?: string;
  /** Whether a key is at hand (given, from the catalog, or not needed), so that `read` can succeed. */
  readonly readable: boolean;
  /** Plaintext in order, in pieces that are the reader's own. Throws in mid-stream when the rest cannot be had. */
  read(range: ByteRange, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface CatalogEntry {
  readonly root: string;
  readonly name?: string;
  readonly kind: FileKind;
  readonly size: number;
  readonly created: number;
  readonly code: CodeDescription;
  /** With the key: only ever sent to holders of the API token. */
  readonly link: string;
}

export interface CatalogPage {
  readonly files: readonly CatalogEntry[];
  /** Pass as `after` to go on; absent on the last page. */
  readonly next?: string;
}

export interface StripeHealth {
  readonly segment: number;
  readonly stripe: number;
  /** Per shard of the stripe (k′+m): the peers that answer for it. */
  readonly holders: readonly (readonly string[])[];
  /** Shards with at least one reachable holder. */
  readonly present: number;
  readonly needed: number;
  /** Shards whose holders are away, not for long enough to count as lost. */
  readonly suspected: number;
  readonly lost: number;
  /** Shards that share a subnet with another one of the stripe. */
  readonly clumped: number;
  /** `present − needed`: below 0 the stripe cannot be rebuilt now. */
  readonly margin: number;
  /** Days until it is expected to be lost, if nobody repairs it. */
  readonly daysToLoss: number;
  readonly state: 'healthy' | 'suspected' | 'clumped' | 'degraded' | 'lost';
}

export type Verdict = 'healthy' | 'degraded' | 'lost';

export interface FileHealth {
  readonly root: string;
  readonly name?: string;
  readonly size: number;
  readonly code: CodeDescription;
  readonly verdict: Verdict;
  readonly stripes: number;
  readonly shards: number;
  readonly presentShards: number;
  readonly degradedStripes: number;
  readonly lostStripes: number;
  readonly suspectedShards: number;
  readonly clumpedShards: number;
  readonly minimumMargin: number;
  /** Of the stripe that is expected to go first, if nobody repairs it. */
  readonly daysToLoss: number;
  readonly holders: number;
  readonly checkedAt: number;
  /** Those that are expected to be lost first, then with the least margin; at most as many as asked for. */
  readonly worst: readonly StripeHealth[];
}

export interface ManifestDescription {
  readonly root: string;
  readonly kind: FileKind;
  readonly payload: string;
  readonly cipher: string;
  readonly size: number;
  readonly indexLength?: number;
  readonly code: CodeDescription;
  readonly created: number;
  /** Peer id of who signed the manifest. */
  readonly owner: string;
  readonly segments: readonly string[];
  readonly stripes: number;
  readonly shards: number;
}

export interface ReleaseResult {
  readonly root: string;
  /** Holders that confirmed the release. */
  readonly released: number;
  /** Holders that are away; the release is queued for them. */
  readonly queued: number;
}

export interface FilesService {
  add(source: AsyncIterable<Uint8Array>, options: AddOptions): Promise<AddResult>;
  open(root: string, options: { readonly key?: Uint8Array; readonly signal: AbortSignal }): Promise<OpenFile>;
  list(options: { readonly after?: string; readonly limit: number }): Promise<CatalogPage>;
  health(root: string, options: { readonly worst: number; readonly signal: AbortSignal }): Promise<FileHealth>;
  manifest(root: string, signal: AbortSignal): Promise<ManifestDescription>;
  release(root: string, signal: AbortSignal): Promise<ReleaseResult>;
}

export interface StorageDescription {
  readonly capacityBytes: number;
  readonly usedBytes: number;
  /** Of shards that were let go and stay for a while; they count as free. */
  readonly trashBytes: number;
  readonly stagedBytes: number;
  readonly reservedBytes: number;
  readonly freeBytes: number;
  readonly shards: number;
  readonly damagedShards: number;
  readonly scrub: ScrubDescription;
}

export interface StorageService {
  usage(): Promise<StorageDescription>;
  /** Reads and checks everything that is stored, now. */
  scrub(options: {
    readonly onProgress: (progress: ScrubProgress) => void;
    readonly signal: AbortSignal;
  }): Promise<ScrubReport>;
}

/** One thing that keeps the node from being ready or well. */
export interface HealthReason {
  readonly component: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** What became of challenges to this node since it started. */
export interface ProofCounts {
  readonly proofs: number;
  /** Answers given again. */
  readonly repeated: number;
  /** Proofs that left out shards that are lost. */
  readonly declaredLost: number;
  /** By code. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Bytes of shards read for proofs. */
  readonly bytesRead: number;
  readonly running: number;
  readonly waiting: number;
}

/** What became of this node's own challenges that got no valid answer, since it started: by code. */
export type AnswerFaults = Readonly<Record<string, number>>;

export interface NodeDescription {
  readonly peer: string;
  /** Ed25519 public key, hex. */
  readonly publicKey: string;
  readonly network: string;
  readonly version: string;
  readonly addresses: readonly string[];
  readonly startedAt: number;
  readonly connectedPeers: number;
  /** It hands over what it holds, or has done so, and takes nothing new. */
  readonly leaving: boolean;
  readonly files: number;
  /** Files that this node watches and that have stripes of which too few shards are left. */
  readonly repairAlarms: number;
  readonly kzg: {
    readonly backend: string;
    readonly threads: number;
    readonly operations: readonly OperationReport[];
  };
  readonly audits: ProofCounts & { readonly badAnswers: AnswerFaults };
}

export interface NodeService {
  describe(): Promise<NodeDescription>;
  /** Database and listeners. */
  ready(): Promise<readonly HealthReason[]>;
  /** All of `ready` and peers, KZG backends, disk. */
  health(): Promise<readonly HealthReason[]>;
  /** Returns at once; the process stops gracefully afterwards. */
  requestShutdown(): void;
}

/** `type` names what happened, e.g. `peer.connected`; data is flat so that a reader of the stream can show it as it is. */
export interface NodeEvent {
  readonly type: string;
  readonly at: number;
  readonly data: Readonly<Record<string, string | number | boolean>>;
}

export interface EventsService {
  /** Calls `listener` for each event until the returned function is called. The listener never blocks. */
  subscribe(listener: (event: NodeEvent) => void): () => void;
}

export interface AuditReport {
  readonly peer: string;
  readonly shards: number;
  readonly outcome: string;
  readonly detail?: string;
  readonly missing: number;
  readonly bad: readonly string[];
  readonly milliseconds: number;
}

export interface AuditsService {
  /** One opening per holder over all that it holds of `root`, or of every file of this node. */
  run(root: string | undefined, signal: AbortSignal): Promise<readonly AuditReport[]>;
}

export interface ConfigEntry {
  readonly key: string;
  readonly value: string | number | boolean | readonly string[];
  readonly origin: string;
}

export interface ConfigService {
  entries(): readonly ConfigEntry[];
}

export interface NodeServices {
  readonly node: NodeService;
  readonly files: FilesService;
  readonly peers: PeersService;
  readonly selection: SelectionService;
  readonly storage: StorageService;
  readonly leave: LeaveService;
  readonly events: EventsService;
  readonly config: ConfigService;
  readonly audits?: AuditsService;
  readonly reputation: ReputationApi;
  readonly repairs: RepairsService;
  readonly auditHistory: AuditHistoryService;
  readonly securityLog: SecurityLogService;
}

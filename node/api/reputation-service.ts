/** How this node sees others. Times are milliseconds since 1970, scores lie in 0 … 1, peers are peer ids. */
export interface PeerReputation {
  readonly peer: string;
  /** What placement weighs the peer by. */
  readonly score: number;
  readonly integrity: number;
  readonly availability: number;
  readonly vetted: boolean;
  readonly disqualified: boolean;
  /** Of the last proven failure. */
  readonly integrityFailedAt?: number;
  /** Credited audits since then. */
  readonly credits: number;
  /** Of the last event that counted; 0 = never. */
  readonly updatedAt: number;
}

export interface ReputationPage {
  readonly peers: readonly PeerReputation[];
  /** Pass as `after` to go on; absent on the last page. */
  readonly next?: string;
  /** Gossip since the start: accusations that counted, and those refused by reason. */
  readonly accusations: { readonly accepted: number; readonly refused: Readonly<Record<string, number>> };
}

export interface ReputationLogEntry {
  /** Number of the change, from 0. */
  readonly n: number;
  readonly at: number;
  readonly reason: string;
  readonly detail?: string;
  /** Challenge id, hex. */
  readonly audit?: string;
  readonly shards?: number;
  /** Before and after. */
  readonly integrity: readonly number[];
  readonly availability: readonly number[];
  readonly disqualified?: boolean;
}

/** A verified proof that a peer failed in one segment. */
export interface EvidenceDescription {
  readonly segment: string;
  /** Who found it. */
  readonly auditor: string;
  /** Challenge id, hex. */
  readonly audit: string;
  readonly challengedAt: number;
  /** Who keeps it: this node, or for evidence about this node the peer that showed it. */
  readonly keptBy: string;
}

/** A commitment that a peer signed and that is not the shard's. */
export interface FalseCommitment {
  /** The shard, by its hash, hex. */
  readonly shard: string;
  readonly at: number;
}

export interface ReputationDetails extends PeerReputation {
  /** Newest first. */
  readonly changes: readonly ReputationLogEntry[];
  /** Pass as `before` to go on; absent on the last page. */
  readonly next?: number;
  readonly evidence: readonly EvidenceDescription[];
  /** Kept by this node, newest first. */
  readonly falseCommitments: readonly FalseCommitment[];
}

export interface ReputationApi {
  list(options: { readonly after?: string; readonly limit: number }): Promise<ReputationPage>;
  /** Of this node itself: what connected peers can prove about it, asked now. */
  show(
    peer: string,
    options: { readonly before?: number; readonly limit: number; readonly signal: AbortSignal },
  ): Promise<ReputationDetails>;
  /** Gives a peer the standing of a newcomer again; what is proved against it stays and does not count again. */
  forgive(peer: string, reason: string | undefined): Promise<PeerReputation>;
}

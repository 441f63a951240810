/** One audit that is over, of either side. Times are milliseconds since 1970. */
export interface AuditEntry {
  /** Challenge id, hex. */
  readonly id: string;
  readonly at: number;
  readonly peer: string;
  readonly role: 'auditor' | 'prover';
  readonly outcome: string;
  /** Whether the outcome counts; a silence does not before the last try. */
  readonly final: boolean;
  readonly shards: number;
  readonly milliseconds: number;
  readonly detail?: string;
  /** There was an answer, and `receipt` can show it to others. */
  readonly receipt: boolean;
}

export interface AuditPage {
  readonly audits: readonly AuditEntry[];
  /** Pass as `before` to go on; absent on the last page. */
  readonly next?: string;
}

/** What one audit was about, from its receipt; no parts without one. */
export interface AuditDetails extends AuditEntry {
  readonly parts: readonly { readonly root: string; readonly segment: string; readonly shards: number }[];
}

/** How far one holder is audited. */
export interface HolderSchedule {
  readonly peer: string;
  /** Shards it answered for when the cycle began, and those asked about since, with or without an answer. */
  readonly shards: number;
  readonly asked: number;
  readonly cycle: number;
  /** Absent before the first audit. */
  readonly startedAt?: number;
  /** When it is asked about the next shards. */
  readonly nextAt: number;
  /** 0 (none) to 3. */
  readonly suspicion: number;
  /** Sets that wait to be asked about again. */
  readonly waiting: number;
  readonly underAudited: boolean;
}

export interface AuditHistoryService {
  /** Newest first. */
  list(options: { readonly peer?: string; readonly before?: string; readonly limit: number }): Promise<AuditPage>;
  get(id: string): Promise<AuditDetails>;
  /** A dag-cbor `audit-export`: the receipt and, unless they are not wanted, the nodes that it is checked against. */
  receipt(id: string, options: { readonly manifest: boolean }): Promise<Uint8Array>;
  schedule(): Promise<readonly HolderSchedule[]>;
}

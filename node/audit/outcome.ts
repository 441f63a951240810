import type { CID } from 'multiformats/cid';

/** One shard of an object, as an outcome names it. */
export interface ShardName {
  readonly root: CID;
  readonly segment: CID;
  readonly index: number;
  /** SHA-256 of the shard. */
  readonly id: Uint8Array;
}

/**
 * What one challenge showed; it says which way it failed. Only `invalid-proof` is cryptographic disproof. The auditor
 * observes, somebody else judges.
 */
export type AuditOutcome =
  /** `constant`: the set has nothing but constant shards, which shows that it answers, not that it keeps anything. */
  | { readonly kind: 'passed'; readonly constant?: true }
  /** The opening does not fit the commitments; some of the shards answered for are not what was signed for. */
  | { readonly kind: 'invalid-proof' }
  /** Signed by the holder; the rest of the set was proved. */
  | { readonly kind: 'declared-lost'; readonly missing: readonly ShardName[] }
  /** No valid answer within the deadline: late, none, or one that is not to this challenge. */
  | { readonly kind: 'timed-out'; readonly reason: string }
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** `until`: milliseconds since 1970. */
  | { readonly kind: 'refused-busy'; readonly until: number }
  /** Signed: shards that the holder gave a receipt for and now does not know. */
  | { readonly kind: 'not-held'; readonly missing: readonly ShardName[] }
  /**
   * The question was wrong: released or expired shards, or something that failed at this node. `mended`: what failed is right
   * now, so that the same question can be asked again.
   */
  | { readonly kind: 'auditor-fault'; readonly reason: string; readonly mended?: true };

export type OutcomeKind = AuditOutcome['kind'];

/** Once is not enough to count: the scheduler asks again before it does (reliability §4), an audit on demand does not. */
export const UNSETTLED: ReadonlySet<OutcomeKind> = new Set(['timed-out', 'unreachable', 'refused-busy']);

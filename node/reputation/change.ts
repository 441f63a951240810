import type { ReputationReason } from './judge.ts';

/** One entry of a peer's log: what moved its scores, from where to where. Times are milliseconds since 1970. */
export interface ReputationChange {
  readonly at: number;
  readonly reason: ReputationReason;
  readonly detail?: string;
  /** Challenge id, hex. */
  readonly audit?: string;
  /** Shards that the audit covered. */
  readonly shards?: number;
  readonly integrity: readonly [before: number, after: number];
  /** Both at the moment of the event: what time alone does is no change. */
  readonly availability: readonly [before: number, after: number];
  /** Present when the change disqualified the peer. */
  readonly disqualified?: true;
}

import { availability, decayed, EMPTY_WINDOW, type Window } from './availability.ts';
import { NEWCOMER_INTEGRITY } from './integrity.ts';
import type { ReputationPolicy } from './policy.ts';
import type { Standing } from './standing.ts';

/** All that is kept of one peer. Times are milliseconds since 1970. */
export interface PeerState {
  readonly integrity: number;
  readonly short: Window;
  readonly long: Window;
  /** The moment of which both windows are. */
  readonly windowAt: number;
  /** Last observation of each kind that counted. */
  readonly okAt?: number;
  readonly missAt?: number;
  /** Credited audits since the last proven failure, the first and the last of them. */
  readonly credits: number;
  readonly creditedSince?: number;
  readonly creditedAt?: number;
  /** Last charges of what is charged once in a span. */
  readonly lossAt?: number;
  readonly falseEvidenceAt?: number;
  readonly busyInRow: number;
  readonly integrityFailedAt?: number;
  readonly disqualifiedAt?: number;
  /** Ids of the last audits that counted. */
  readonly audits: readonly string[];
  /** Entries written to the log so far. */
  readonly changes: number;
  readonly updatedAt: number;
}

export const NEWCOMER: PeerState = {
  integrity: NEWCOMER_INTEGRITY,
  short: EMPTY_WINDOW,
  long: EMPTY_WINDOW,
  windowAt: 0,
  credits: 0,
  busyInRow: 0,
  audits: [],
  changes: 0,
  updatedAt: 0,
};

export function availabilityAt(state: PeerState, at: number, policy: ReputationPolicy): number {
  const age = at - state.windowAt;
  return availability(
    decayed(state.short, age, policy.shortHalfLifeMs),
    decayed(state.long, age, policy.longHalfLifeMs),
  );
}

export function standingAt(state: PeerState, at: number, policy: ReputationPolicy): Standing {
  const { integrity, credits, creditedSince, integrityFailedAt, disqualifiedAt } = state;
  const long = creditedSince !== undefined && at - creditedSince >= policy.vettedMs;
  const disqualified = disqualifiedAt !== undefined;
  return {
    integrity,
    availability: availabilityAt(state, at, policy),
    vetted: long && credits >= policy.vettedCredits && integrity >= policy.minimumIntegrity && !disqualified,
    integrityFailedAt,
    disqualified,
  };
}

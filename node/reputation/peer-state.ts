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
  /** Lost shards that were declared and charged, packed; see `known-losses.ts`. */
  readonly lost?: Uint8Array;
  /** It is silent about something that it was asked about, while own audits go on. */
  readonly unanswered?: boolean;
  readonly integrityFailedAt?: number;
  /** A failure was found by this node itself. */
  readonly caughtHere?: true;
  readonly disqualifiedAt?: number;
  /** When the operator forgave it: of challenges before that nothing counts any more. */
  readonly forgivenAt?: number;
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
  audits: [],
  changes: 0,
  updatedAt: 0,
};

/** Whether anything is known of the peer but what others proved: anybody can make thousands of such peers. */
export function isKnownHere(state: PeerState): boolean {
  const { okAt, missAt, lossAt, falseEvidenceAt, forgivenAt, caughtHere } = state;
  return [okAt, missAt, lossAt, falseEvidenceAt, forgivenAt, caughtHere].some((mark) => mark !== undefined);
}

/**
 * Times of what counts once in a span, and of what was forgiven. Those of failures stay: a clock set back forgives nothing.
 */
const MARKS = ['okAt', 'missAt', 'creditedAt', 'lossAt', 'falseEvidenceAt', 'forgivenAt'] as const;
/** What fades or ripens with time goes back no further at once. */
export const LARGEST_STEP_MS = 24 * 60 * 60_000;

/**
 * The state without marks after `now`; the same object when there are none. A wall clock that was ahead and was set right
 * would otherwise count for little what comes, and as often as it comes, until the time of the marks. One that starts in
 * 1970 must not make the windows, and the time of vetting, look half a century old once it is right: these give way step
 * by step.
 */
export function notAfter(state: PeerState, now: number): PeerState {
  const { windowAt, updatedAt, creditedSince = 0 } = state;
  const late = MARKS.filter((mark) => (state[mark] ?? 0) > now);
  if (late.length === 0 && windowAt <= now && updatedAt <= now && creditedSince <= now) return state;
  const back = (at: number) => Math.max(Math.min(at, now), at - LARGEST_STEP_MS);
  return {
    ...state,
    windowAt: back(windowAt),
    updatedAt: Math.min(updatedAt, now),
    ...(state.creditedSince === undefined ? {} : { creditedSince: back(creditedSince) }),
    ...Object.fromEntries(late.map((mark) => [mark, now])),
  };
}

/** @param formula of both windows; whoever asks very often may remember what it gave. */
export function availabilityAt(state: PeerState, at: number, policy: ReputationPolicy, formula = availability): number {
  const age = at - state.windowAt;
  return formula(decayed(state.short, age, policy.shortHalfLifeMs), decayed(state.long, age, policy.longHalfLifeMs));
}

export function standingAt(
  state: PeerState,
  at: number,
  policy: ReputationPolicy,
  formula: typeof availability = availability,
): Standing {
  const { integrity, credits, creditedSince, integrityFailedAt, disqualifiedAt } = state;
  const long = creditedSince !== undefined && at - creditedSince >= policy.vettedMs;
  const disqualified = disqualifiedAt !== undefined;
  return {
    integrity,
    availability: availabilityAt(state, at, policy, formula),
    vetted:
      state.unanswered !== true &&
      long &&
      credits >= policy.vettedCredits &&
      integrity >= policy.minimumIntegrity &&
      !disqualified,
    integrityFailedAt,
    disqualified,
  };
}

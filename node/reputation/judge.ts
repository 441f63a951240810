import type { OutcomeKind } from '../audit/outcome.ts';
import { decayed, observed, type Window } from './availability.ts';
import { type IntegrityEvent, integrityAfter } from './integrity.ts';
import { newlyLost, withLosses } from './known-losses.ts';
import { LARGEST_STEP_MS, NEWCOMER, type PeerState } from './peer-state.ts';
import type { ReputationPolicy } from './policy.ts';

/**
 * What a score can move for: a final outcome of an own audit, evidence of somebody else that was verified here
 * (`evidence`), a wrong commitment that the peer signed (`false-commitment`), an accusation of it that is provably false
 * (`false-evidence`), the word of the operator of this node (`forgiven`).
 */
export type ReputationReason = OutcomeKind | 'evidence' | 'false-commitment' | 'false-evidence' | 'forgiven';

export interface ReputationEvent {
  readonly reason: ReputationReason;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Challenge id, hex. */
  readonly audit?: string | undefined;
  /** Ids of the shards that the peer says it lost. */
  readonly missing?: readonly Uint8Array[] | undefined;
  /** Whether the peer is silent about something that it was asked about; absent where that is not known. */
  readonly unanswered?: boolean | undefined;
  /** Whether it passed with constant shards alone. */
  readonly constant?: true | undefined;
}

/** Audit ids remembered: evidence from others may be of an audit that has counted, and comes soon after it or not at all. */
const MAX_AUDITS = 16;

/**
 * The state after an event; the same object when it changes nothing.
 *
 * - Passed: one is credited per `creditIntervalMs`. A cycle covers what a peer holds in as many slices as there are, and
 *   anybody may ask for audits at any time: neither may be turned into standing.
 * - Who passes with constant shards alone has answered, which counts as availability; since it need keep nothing for that,
 *   nothing is credited (protocol v1 §4.7).
 * - While a peer is silent about something, nothing that it passes is credited, and it does not count as vetted: who keeps
 *   quiet about what it lost must not fare better than who says so.
 * - A declared loss is charged once per `creditIntervalMs` too, and of each shard once: asking again about what a peer said
 *   it lost is no new loss, unless it had the shard again meanwhile (`ReputationService.regained`).
 * - An invalid proof is charged each time: each is a new signed lie.
 * - Only a passed audit counts as answered and only silence as missed, so that the two scores stay separate; of each kind one
 *   per `sampleIntervalMs`, since audits minutes apart see the same machine on the same line, and a large holder would
 *   otherwise gather hundreds in a day that outweigh its vanishing.
 * - `refused-busy` means nothing: the audits that run by themselves make silence of it when a peer is always busy.
 * - Who is forgiven begins as a newcomer; what was proved before does not count again.
 */
export function judge(state: PeerState, event: ReputationEvent, policy: ReputationPolicy): PeerState {
  const { audit } = event;
  if (audit !== undefined && state.audits.includes(audit)) return state;
  const next = withSilence(applied(state, event, policy), event);
  if (next === state) return state;
  const audits = audit === undefined ? next.audits : [...next.audits, audit].slice(-MAX_AUDITS);
  return { ...next, audits, updatedAt: Math.max(state.updatedAt, event.at) };
}

function applied(state: PeerState, event: ReputationEvent, policy: ReputationPolicy): PeerState {
  const { reason, at } = event;
  switch (reason) {
    case 'passed':
      if (state.unanswered || event.unanswered || event.constant) return sampled(state, 'ok', at, policy);
      return credited(sampled(state, 'ok', at, policy), at, policy);
    case 'timed-out':
    case 'unreachable':
      return sampled(state, 'miss', at, policy);
    case 'declared-lost':
    case 'not-held':
      return lost(state, event, policy);
    case 'evidence':
      return failed(state, 'invalid-proof', at, policy);
    case 'invalid-proof':
    case 'false-commitment':
      return { ...failed(state, reason, at, policy), caughtHere: true };
    case 'false-evidence':
      if (isRecent(state.falseEvidenceAt, at, policy.creditIntervalMs)) return state;
      return { ...moved(state, 'false-evidence'), falseEvidenceAt: latest(state.falseEvidenceAt, at) };
    case 'forgiven':
      return { ...NEWCOMER, audits: state.audits, changes: state.changes, windowAt: at, forgivenAt: at };
    case 'refused-busy':
    case 'auditor-fault':
      return state;
  }
}

function withSilence(state: PeerState, { unanswered }: ReputationEvent): PeerState {
  if (unanswered === undefined || unanswered === (state.unanswered ?? false)) return state;
  const { unanswered: _, ...rest } = state;
  return unanswered ? { ...rest, unanswered } : rest;
}

/** What is declared within the span of the last charge is charged with it. */
function lost(state: PeerState, { at, missing }: ReputationEvent, policy: ReputationPolicy): PeerState {
  const fresh = missing === undefined ? [] : newlyLost(state.lost, missing);
  if (missing !== undefined && fresh.length === 0) return state;
  const known = fresh.length === 0 ? state : { ...state, lost: withLosses(state.lost, fresh) };
  if (isRecent(state.lossAt, at, policy.creditIntervalMs)) return known;
  return { ...moved(known, 'declared-loss'), lossAt: latest(state.lossAt, at) };
}

function moved(state: PeerState, event: IntegrityEvent): PeerState {
  return { ...state, integrity: integrityAfter(state.integrity, event) };
}

function credited(state: PeerState, at: number, policy: ReputationPolicy): PeerState {
  if (isRecent(state.creditedAt, at, policy.creditIntervalMs)) return state;
  return {
    ...moved(state, 'passed'),
    credits: state.credits + 1,
    creditedSince: state.creditedSince ?? at,
    creditedAt: latest(state.creditedAt, at),
  };
}

/**
 * A proven lie. It begins vetting anew. What is left decides on disqualification: an honest holder is never here, so that
 * a lie that leads below the threshold is as good a reason as one that starts there, and a newcomer has two.
 */
function failed(
  state: PeerState,
  event: 'invalid-proof' | 'false-commitment',
  at: number,
  { disqualifyBelow }: ReputationPolicy,
): PeerState {
  const { creditedSince: _, ...next } = { ...moved(state, event), credits: 0 };
  const disqualified = next.integrity < disqualifyBelow && state.disqualifiedAt === undefined;
  return {
    ...next,
    integrityFailedAt: latest(state.integrityFailedAt, at),
    ...(disqualified ? { disqualifiedAt: at } : {}),
  };
}

function sampled(state: PeerState, kind: keyof Window, at: number, policy: ReputationPolicy): PeerState {
  const last = kind === 'ok' ? state.okAt : state.missAt;
  if (isRecent(last, at, policy.sampleIntervalMs)) return state;
  const windowAt = Math.max(state.windowAt, at);
  const later = windowAt - state.windowAt;
  // Older by more only when the windows are of a clock that was ahead.
  const age = Math.min(windowAt - at, LARGEST_STEP_MS);
  const window = (of: Window, halfLifeMs: number) => observed(decayed(of, later, halfLifeMs), kind, age, halfLifeMs);
  return {
    ...state,
    windowAt,
    short: window(state.short, policy.shortHalfLifeMs),
    long: window(state.long, policy.longHalfLifeMs),
    [kind === 'ok' ? 'okAt' : 'missAt']: latest(last, at),
  };
}

/** Whether `at` is in the span of the last one that counted; on either side, for what comes in out of order. */
function isRecent(last: number | undefined, at: number, spanMs: number): boolean {
  return last !== undefined && Math.abs(at - last) < spanMs;
}

function latest(before: number | undefined, at: number): number {
  return Math.max(before ?? at, at);
}

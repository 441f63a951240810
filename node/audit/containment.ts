import type { AskedSet } from '../store/audit-schedule-store.ts';
import type { AuditOutcome } from './outcome.ts';

export interface ContainmentRules {
  /** Times that a set is asked about without an answer before the silence counts. */
  readonly tries: number;
  /** Least time from the first of them to the last, milliseconds. */
  readonly windowMs: number;
}

/** Busy answers in a row that are believed; then the prover has not answered. */
const MAX_BUSY = 10;
/** A prover says when to ask again. The first time it is believed down to this, then to twice as much each time. */
const MIN_BUSY_MS = 5_000;
const MAX_MIN_BUSY_MS = 10 * 60_000;
/** From the first question to the last, however late the prover says. */
const MAX_BUSY_TOTAL_MS = 24 * 3_600_000;
/** Parts of a silent set are asked about sooner: their silence was counted with the set. */
const PROBE_TRIES = 2;
const PROBE_DELAY_MS = 30_000;
/**
 * What stayed without an answer is asked about again until it is answered: after a window of retries, since whoever was
 * only overloaded is not to count as gone for it, then after pauses that double, up to so many windows: six hours.
 */
const REST_WINDOWS = 24;
const LONGEST_REST_MS = 24 * 3_600_000;

export type Containment =
  /** Counts, and is not asked again. */
  | { readonly kind: 'final'; readonly outcome: AuditOutcome; readonly observed: boolean }
  /** Does not count yet; the same set, with what it is to be asked with. */
  | { readonly kind: 'again'; readonly set: AskedSet }
  /** As `final`; the halves of the set are to be asked about, to find the shard that is silent. */
  | { readonly kind: 'halve'; readonly outcome: AuditOutcome; readonly observed: boolean }
  /** As `final`; the holder answers, but not about this one shard (protocol v1 §5). */
  | { readonly kind: 'silent'; readonly outcome: AuditOutcome; readonly observed: boolean };

/** The history of a set that was not asked about yet. */
export const UNTRIED = {
  tries: 0,
  busy: 0,
  silentSince: 0,
  nextAt: 0,
  unreachable: false,
  unanswered: false,
} as const;

export interface Asked {
  readonly set: AskedSet;
  readonly outcome: AuditOutcome;
  readonly now: number;
  /** Shards of the set. */
  readonly shards: number;
  /** When the holder last gave a signed answer to anything; 0 = never. */
  readonly answeredAt: number;
  /** This node is connected to nobody: that it does not reach the holder either says nothing of the holder. */
  readonly cutOff?: boolean;
  /** In [0, 1): makes the next try later, never sooner. */
  readonly jitter: number;
}

/**
 * What an outcome leads to (reliability §4): an answer is final; silence is, after so many tries over so long a time.
 * What the last try says counts.
 */
export function contain(asked: Asked, rules: ContainmentRules): Containment {
  const { outcome, set } = asked;
  if (outcome.kind === 'refused-busy') return afterBusy(asked, outcome.until);
  if (outcome.kind === 'unreachable' && asked.cutOff) {
    // Nothing else is asked of the holder until then.
    const nextAt = asked.now + Math.max(Math.min(PROBE_DELAY_MS, rules.windowMs), pace(asked, rules)[1]);
    return { kind: 'again', set: { ...set, unreachable: true, nextAt } };
  }
  if (outcome.kind === 'timed-out' || outcome.kind === 'unreachable') return afterSilence(asked, outcome, rules);
  if (outcome.kind === 'auditor-fault' && outcome.mended) return { kind: 'again', set: postponed(set, asked.now) };
  // The silence of a set was observed with the set; that a part of it is answered is news.
  return { kind: 'final', outcome, observed: !(set.probe && outcome.kind === 'auditor-fault') };
}

/** The same set soon, with no try counted: what went wrong went wrong here. */
export function postponed(set: AskedSet, now: number): AskedSet {
  return { ...set, nextAt: now + PROBE_DELAY_MS };
}

/**
 * The set, to be asked about again much later: its silence has counted, and until it is answered the holder is silent about
 * something. The same set twice is one, by its `id`.
 */
export function unanswered(set: AskedSet, id: Uint8Array, now: number, { windowMs }: ContainmentRules): AskedSet {
  const { peer, parts, unreachable } = set;
  const rest = Math.max(windowMs, set.unanswered ? 2 * (now - set.since) : 0);
  const nextAt = now + Math.min(rest, REST_WINDOWS * windowMs, LONGEST_REST_MS);
  return { id, peer, parts, ...UNTRIED, unreachable, probe: true, unanswered: true, since: now, nextAt };
}

function afterBusy(asked: Asked, until: number): Containment {
  const { set, now } = asked;
  const busy = set.busy + 1;
  const last = Math.min(set.since, now) + MAX_BUSY_TOTAL_MS;
  if (busy >= MAX_BUSY || now >= last) {
    const outcome = { kind: 'timed-out', reason: `busy at each of ${busy} questions` } as const;
    // It is silent about no shard in particular: parts would fare no better.
    return { kind: 'final', outcome, observed: !set.probe };
  }
  // Not before it said, or the question would find it busy once more and count that.
  const soonest = now + Math.min(MAX_MIN_BUSY_MS, MIN_BUSY_MS * 2 ** set.busy);
  const nextAt = Math.max(soonest, Math.min(until, last));
  return { kind: 'again', set: { ...set, busy, unreachable: false, nextAt } };
}

function afterSilence(asked: Asked, outcome: AuditOutcome, rules: ContainmentRules): Containment {
  const { set, now, jitter } = asked;
  const [needed, spacing] = pace(asked, rules);
  const tries = set.tries + 1;
  // Later than now when the clock was set back: the silence would never be long enough.
  const silentSince = set.silentSince === 0 ? now : Math.min(set.silentSince, now);
  const last = silentSince + spacing * (needed - 1);
  if (tries >= needed && now >= last) return settled(asked, outcome);
  // From the time of the first try, so that a late try does not put off the last; never twice at once.
  const planned = silentSince + spacing * Math.min(tries, needed - 1);
  const nextAt = Math.max(planned, now + Math.min(spacing, PROBE_DELAY_MS)) + spacing * jitter * 0.1;
  const unreachable = outcome.kind === 'unreachable';
  return { kind: 'again', set: { ...set, tries, busy: 0, silentSince, unreachable, nextAt } };
}

/** How often and how far apart: parts of several shards are asked about twice, soon. */
function pace({ set, shards }: Asked, { tries, windowMs }: ContainmentRules): [tries: number, spacingMs: number] {
  if (set.probe && shards > 1) return [PROBE_TRIES, Math.min(PROBE_DELAY_MS, windowMs)];
  return [tries, tries > 1 ? windowMs / (tries - 1) : 0];
}

function settled({ set, shards, answeredAt, now }: Asked, outcome: AuditOutcome): Containment {
  const observed = !set.probe;
  // Who cannot be reached, or answers nothing at all, is silent about everything.
  const answersOthers = answeredAt >= set.since && answeredAt <= now;
  if (outcome.kind === 'timed-out' && shards === 1 && answersOthers) return { kind: 'silent', outcome, observed };
  if (outcome.kind === 'timed-out' && shards > 1 && (!set.probe || answersOthers)) {
    return { kind: 'halve', outcome, observed };
  }
  return { kind: 'final', outcome, observed };
}

import { lowerBound, type Window } from '../reputation/availability.ts';
import { judge, type ReputationReason } from '../reputation/judge.ts';
import { NEWCOMER, type PeerState, standingAt } from '../reputation/peer-state.ts';
import type { ReputationPolicy } from '../reputation/policy.ts';
import type { Standing } from '../reputation/standing.ts';

const DAY_MS = 24 * 3_600_000;
/** A standing is made anew after this time, and at once when integrity fell: a day more or less of passed audits is little. */
const STANDING_AGE_MS = DAY_MS;

/**
 * The product's reputation of every node, as one auditor sees it that audits each node once in a cycle. Times are those of
 * the simulation; before its start lies the time in which the nodes of the start were audited.
 */
export class Judging {
  readonly #policy: ReputationPolicy;
  readonly #startedAt: number;
  readonly #states: PeerState[];
  readonly #standings: (Standing | undefined)[];
  readonly #standingsAt: Float64Array;
  readonly #availability = new AvailabilityGrid();

  constructor(nodes: number, { policy, ageMs }: { readonly policy: ReputationPolicy; readonly ageMs: number }) {
    this.#policy = policy;
    // Never 0: a window of the time 0 is one of nobody.
    this.#startedAt = ageMs + DAY_MS;
    const known = passedUntil(this.#startedAt, ageMs, policy);
    this.#states = Array.from({ length: nodes }, () => known);
    this.#standings = Array.from({ length: nodes }, () => undefined);
    this.#standingsAt = new Float64Array(nodes);
  }

  /** A new identity, of which nothing is known. */
  forget(node: number): void {
    this.#states[node] = NEWCOMER;
    this.#standings[node] = undefined;
  }

  /** @returns whether it was disqualified by this */
  observe(node: number, reason: ReputationReason, now: number): boolean {
    const before = this.#states[node] as PeerState;
    const after = judge(before, { reason, at: this.#startedAt + now }, this.#policy);
    this.#states[node] = after;
    if (after.integrity < before.integrity) this.#standings[node] = undefined;
    return before.disqualifiedAt === undefined && after.disqualifiedAt !== undefined;
  }

  integrityOf(node: number): number {
    return (this.#states[node] as PeerState).integrity;
  }

  standingOf(node: number, now: number): Standing {
    const known = this.#standings[node];
    if (known !== undefined && now - (this.#standingsAt[node] as number) < STANDING_AGE_MS) return known;
    const at = this.#startedAt + now;
    const standing = standingAt(this.#states[node] as PeerState, at, this.#policy, this.#availability.of);
    this.#standings[node] = standing;
    this.#standingsAt[node] = now;
    return standing;
  }

  /** For `isSuspended`: now on the clock of the standings. */
  clock(now: number): number {
    return this.#startedAt + now;
  }
}

/** One passed audit a day for so long, the last one day before. */
function passedUntil(startedAt: number, ageMs: number, policy: ReputationPolicy): PeerState {
  let state = NEWCOMER;
  for (let at = startedAt - ageMs; at < startedAt; at += DAY_MS) state = judge(state, { reason: 'passed', at }, policy);
  return state;
}

/**
 * Availability with its counts rounded, and remembered: a quantile of the Beta distribution takes some 20 µs, and few of
 * them differ. Rounding is finer where the quantile is steep; the error is at most 0.0128, at 8.25 of each.
 */
export class AvailabilityGrid {
  readonly #known = new Map<number, number>();

  readonly of = (short: Window, long: Window): number => Math.min(this.#lowerBound(short), this.#lowerBound(long));

  #lowerBound({ ok, miss }: Window): number {
    const oks = gridIndex(ok);
    const misses = gridIndex(miss);
    const key = oks * MAX_INDEX + misses;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const bound = lowerBound({ ok: gridValue(oks), miss: gridValue(misses) });
    this.#known.set(key, bound);
    return bound;
  }
}

/** Steps of 1/32 up to 2, of 1/8 up to 8, of 1/2 beyond. */
function gridIndex(count: number): number {
  if (count < 2) return Math.round(count * 32);
  if (count < 8) return 64 + Math.round((count - 2) * 8);
  return Math.min(MAX_INDEX - 1, 112 + Math.round((count - 8) * 2));
}

function gridValue(index: number): number {
  if (index <= 64) return index / 32;
  return index <= 112 ? 2 + (index - 64) / 8 : 8 + (index - 112) / 2;
}

/** Counts of up to 2,000: more than a half-life of 30 days gathers at one sample an hour. */
const MAX_INDEX = 4096;

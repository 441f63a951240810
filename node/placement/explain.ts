import type { Candidate } from './candidates.ts';
import { broken, type Constraint, type Requirements } from './constraints.ts';
import { SPREADS, type Spread, type SpreadTracker } from './spread.ts';

/** Why a peer would or would not be drawn beside the holders that a stripe has. */
export interface Explanation {
  readonly candidate: Candidate;
  /** Constraints it breaks; it may be drawn when there are none. */
  readonly broken: readonly Constraint[];
  /** What it would crowd: it is drawn only when the network is too small for others. */
  readonly crowds: readonly Spread[];
  /** Its weight in the first draw of a new stripe of such shards, and its chance there (0 … 1); absent: it takes no part. */
  readonly weight?: number;
  readonly chance?: number;
}

export interface ExplainInput {
  readonly candidates: readonly Candidate[];
  readonly requirements: Requirements;
  /** Of the holders there are. */
  readonly spread: SpreadTracker;
  /** Weights of the first draw. */
  readonly weigh: (candidates: readonly Candidate[]) => number[];
}

/** Says for each candidate what the draw would make of it; pure, from the same table of constraints. */
export function explain({ candidates, requirements, spread, weigh }: ExplainInput): Explanation[] {
  const judged = candidates.map((candidate) => ({ candidate, broken: broken(candidate, requirements) }));
  // Before the first draw nobody held anything yet.
  const pool = judged.filter((one) => one.broken.every((constraint) => constraint === 'holder'));
  const weights = weigh(pool.map(({ candidate }) => candidate));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const weightOf = new Map(pool.map((one, i) => [one, weights[i] as number]));
  return judged.map((one) => {
    const weight = weightOf.get(one);
    return {
      ...one,
      crowds: SPREADS.filter((name) => !spread.keeps(one.candidate, name)),
      ...(weight === undefined ? {} : { weight, chance: weight / total }),
    };
  });
}

import { repairNeed, type ThresholdChoice } from './repair-rule.ts';
import type { StripeSurvey } from './survey.ts';

/** What is to be done about a segment. Shards are indices in it, stripes positions. */
export interface RepairPlan {
  /** Lost shards of stripes that are to be repaired, ascending. */
  readonly rebuild: readonly number[];
  /** Shards that crowd a subnet and are to be moved apart, ascending. */
  readonly spread: readonly number[];
  /** Stripes that any of these shards belongs to. */
  readonly stripes: readonly number[];
  /** Stripes of which too few shards are left. */
  readonly impossible: readonly number[];
  /** The least of all stripes that are to be repaired. */
  readonly daysToLoss: number;
  readonly margin: number;
}

/** Of a stripe that is repaired, all that is lost is restored: its k′ fetches are paid for once. */
export function planRepair(surveys: readonly StripeSurvey[], choice: ThresholdChoice): RepairPlan {
  const rebuild: number[] = [];
  const spread: number[] = [];
  const stripes: number[] = [];
  const impossible: number[] = [];
  let daysToLoss = Number.POSITIVE_INFINITY;
  let margin = Number.POSITIVE_INFINITY;
  for (const { stripe, indices, states, counts, daysToLoss: days } of surveys) {
    const need = repairNeed(counts, choice);
    if (need === 'impossible') impossible.push(stripe);
    if (need !== 'repair' && need !== 'spread') continue;
    stripes.push(stripe);
    daysToLoss = Math.min(daysToLoss, days);
    margin = Math.min(margin, counts.healthy - counts.needed);
    for (const [i, index] of indices.entries()) {
      if (states[i] === 'lost') rebuild.push(index);
      if (states[i] === 'clumped') spread.push(index);
    }
  }
  return { rebuild, spread, stripes, impossible, daysToLoss, margin };
}

import { lostShards, marginOf, type StripeCounts } from './stripe-state.ts';

/** Parity shards of a stripe that may be missing before it is repaired; auto: fewer than ⌊m/2⌋. */
export type ThresholdChoice = 'auto' | number;

/**
 * repair: shards are to be rebuilt; spread: none is, but some crowd a subnet; wait: too few answer to rebuild it, and those
 * who are away may come back; impossible: too few are left even then.
 */
export type RepairNeed = 'none' | 'spread' | 'repair' | 'wait' | 'impossible';

/**
 * Healthy shards at which a stripe is repaired (reliability §6): k′+⌈m/2⌉. A repair costs k′ fetches, however many shards it
 * restores, so waiting for several losses saves traffic; half of the parity stays as what may be lost meanwhile.
 * A choice of c missing shards is the threshold k′+m−c−1, and k′ at least: at k′ nothing more may be lost.
 */
export function repairThreshold(
  { needed, expected }: Pick<StripeCounts, 'needed' | 'expected'>,
  choice: ThresholdChoice,
): number {
  const parity = expected - needed;
  return choice === 'auto' ? needed + Math.ceil(parity / 2) : Math.max(needed, expected - 1 - choice);
}

/**
 * What a stripe needs. Suspected shards count as there: their grace decides. Clumped ones do not count towards the
 * threshold: the subnet that fails takes all but one of them.
 */
export function repairNeed(counts: StripeCounts, choice: ThresholdChoice): RepairNeed {
  const { needed, healthy, suspected, clumped } = counts;
  const lost = lostShards(counts);
  if (marginOf(counts) < 0) return healthy + suspected < needed ? 'impossible' : 'wait';
  if (lost > 0 && healthy + suspected - clumped <= repairThreshold(counts, choice)) return 'repair';
  return clumped > 0 ? 'spread' : 'none';
}

/** A receipt of a holder that is gone for so many times the grace, and a day at least, is dropped once it is replaced. */
const FORGET_GRACES = 7;
const DAY_MS = 24 * 3_600_000;

/** After what time a holder that does not come back may be forgotten. */
export function forgetAfter(graceMs: number): number {
  return Math.max(FORGET_GRACES * graceMs, DAY_MS);
}

/** Whether a holder that was not heard from since `since` counts as gone. Times in milliseconds of one clock. */
export function isGone(since: number, now: number, graceMs: number): boolean {
  return now - since >= graceMs;
}

/** Of the lease, how much others have to promise: what is promised already is promised anew when a third is over. */
const LEAST_LEASE_SHARE = 0.5;

/** For how long others have to promise, by the own and the usual lease: who promises for longer asks no more of others. */
export function leastLease(ownMs: number, usualMs: number): number {
  return Math.min(ownMs, usualMs) * LEAST_LEASE_SHARE;
}

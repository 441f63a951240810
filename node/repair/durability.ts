/** What the estimate of one stripe is made from. Rates are per day and at least 0. */
export interface StripeRates {
  /** Shards without which the stripe cannot be rebuilt (k′). */
  readonly needed: number;
  /** Shards that are there now. */
  readonly healthy: number;
  /** Shards that repair works towards (k′ + m). */
  readonly total: number;
  /** With which one holder loses its shard for good: the mean over the holders (`meanRate`). */
  readonly failuresPerDay: number;
  /** With which one missing shard is rebuilt; 0 = nobody repairs. */
  readonly repairsPerDay: number;
}

/**
 * Expected days until fewer than `needed` shards are left: the mean time to absorption of a birth–death process.
 *
 * With i shards there, each is lost independently at rate λ and each of the missing n − i comes back at rate μ, so that the
 * process leaves i downwards at d_i = i·λ and upwards at b_i = (n − i)·μ. Let τ_i be the mean time of the first passage
 * from i to i − 1. It waits 1/(d_i + b_i), and with probability b_i/(d_i + b_i) it has to come back from i + 1 first:
 *   τ_i = 1/(d_i + b_i) + b_i/(d_i + b_i)·(τ_{i+1} + τ_i)   ⟹   τ_i = (1 + b_i·τ_{i+1}) / d_i,   τ_n = 1/d_n,
 * and days to loss from h shards = Σ_{i=k}^{h} τ_i (Karlin and Taylor, A First Course in Stochastic Processes, 2nd ed., §4.7).
 * All terms are positive: nothing cancels, whatever the rates. Without repair the sum is (1/λ)·Σ_{i=k}^{h} 1/i.
 *
 * Holders differ, and a stripe has one λ here: the mean of theirs. Without repair that never promises too much: of
 * exponential lifetimes with different rates the j-th failure comes stochastically later than with their mean (Pledger and
 * Proschan, "Comparisons of order statistics", 1971).
 *
 * The order that this gives is what Storj's `satellite/repair/priority.go` (SegmentHealth) approximates by a negative
 * binomial distribution for the case without repair; being an expectation in days it can be shown to people too.
 *
 * @returns 0 when fewer than `needed` are there; Infinity when nothing is ever lost (rate 0)
 * @throws RangeError for numbers that describe no stripe
 */
export function daysToLoss({ needed, healthy, total, failuresPerDay, repairsPerDay }: StripeRates): number {
  const whole = [needed, healthy, total].every((count) => Number.isSafeInteger(count) && count >= 0);
  if (!whole || needed < 1 || total < needed || total > MAX_SHARDS) {
    throw new RangeError(`${healthy} of ${total} shards with ${needed} needed is no stripe`);
  }
  if (!(failuresPerDay >= 0 && repairsPerDay >= 0)) {
    throw new RangeError(`${failuresPerDay} failures and ${repairsPerDay} repairs a day are no rates`);
  }
  if (healthy < needed) return 0;
  if (failuresPerDay === 0) return Number.POSITIVE_INFINITY;
  const from = Math.min(healthy, total);
  let passage = 0;
  let days = 0;
  for (let i = total; i >= needed; i--) {
    const back = (total - i) * repairsPerDay;
    // A rate of 0 times a passage that takes for ever is no wait at all.
    passage = (1 + (back === 0 ? 0 : back * passage)) / (i * failuresPerDay);
    if (i <= from) days += passage;
  }
  return days;
}

/** Protocol v1 §2: k + m ≤ 64. */
const MAX_SHARDS = 64;

/**
 * What is taken for granted of a peer about which nothing is known: as if one like it had been watched for a year and had
 * failed once. A year is what desktop disks and their owners last several times over and laptops do not; a peer that was
 * watched for as long is judged half by that and half by what it did.
 */
const PRIOR_FAILURES = 1;
const PRIOR_DAYS = 365;

/**
 * Rate at which a peer loses what it holds, from what was seen of it: the mean of the posterior Gamma(1 + failures,
 * 365 + days), the conjugate prior of a Poisson process (Gelman et al., Bayesian Data Analysis, 3rd ed., §2.6).
 *
 * @param failures losses of shards for good: departures, disqualifications, declared and proven losses
 * @param days for which it was watched
 * @returns failures per day
 */
export function failureRate(failures: number, days: number): number {
  return (PRIOR_FAILURES + failures) / (PRIOR_DAYS + Math.max(0, days));
}

/** @returns the mean of the rates; that of an unknown peer when there are none */
export function meanRate(rates: readonly number[]): number {
  if (rates.length === 0) return failureRate(0, 0);
  return rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
}

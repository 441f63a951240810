import { betaQuantile } from '../reputation/beta.ts';

export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/**
 * The interval of Clopper and Pearson ("The use of confidence or fiducial limits", Biometrika 1934) for a probability of
 * which `events` happened in `trials` independent trials: the probabilities under which so many or more, and so few or
 * fewer, would be seen with (1 − confidence)/2 each. It covers the truth at least as often as it says, also of rare events.
 *   lower = B(α/2; x, n − x + 1),  upper = B(1 − α/2; x + 1, n − x)   with B the quantile of the Beta distribution.
 *
 * Stripes that share nodes are not independent: `designEffect` is by how much that enlarges the variance, and both numbers
 * are divided by it (Korn and Graubard, "Confidence intervals for proportions with small expected number of positive
 * counts", Survey Methodology 1998).
 */
export function binomialInterval(events: number, trials: number, confidence: number, designEffect = 1): Interval {
  if (!(trials > 0 && events >= 0 && events <= trials && designEffect >= 1 && confidence > 0 && confidence < 1)) {
    throw new RangeError(`${events} of ${trials} at ${confidence} has no interval`);
  }
  // The quantile needs parameters of 1 and more: fewer than one effective event counts as one whole.
  const n = Math.max(1, trials / designEffect);
  const x = (n * events) / trials;
  const tail = (1 - confidence) / 2;
  const few = events === 0;
  const many = events === trials;
  return {
    lower: few ? 0 : betaQuantile(tail, Math.max(1, x), n - x + 1),
    upper: many ? 1 : betaQuantile(1 - tail, x + 1, Math.max(1, n - x)),
  };
}

/**
 * Design effect of losses among stripes that share nodes: the variance of their number over that of as many independent
 * ones (Kish, Survey Sampling, 1965). Stripes without a common node are taken as independent. With S stripes, L of them
 * lost, p = L/S, A pairs of stripes on a common node (counted once for each node) and B such pairs of which both are lost:
 *   Var ≈ S·p·(1 − p) + 2·(B − A·p²),   effect = Var / (S·p·(1 − p)), at least 1.
 *
 * @param held per node: shards that it has, each of another stripe
 * @param lost per node: those of lost stripes among them
 */
export function designEffect(
  stripes: number,
  losses: number,
  held: ArrayLike<number>,
  lost: ArrayLike<number>,
): number {
  const p = losses / stripes;
  if (losses === 0 || losses === stripes) return 1;
  let shared = 0;
  let bothLost = 0;
  for (let node = 0; node < held.length; node++) {
    const [all, gone] = [held[node] as number, lost[node] as number];
    shared += (all * (all - 1)) / 2;
    bothLost += (gone * (gone - 1)) / 2;
  }
  return Math.max(1, 1 + (2 * (bothLost - shared * p * p)) / (stripes * p * (1 - p)));
}

import type { Candidate } from './candidates.ts';

/** First form; `reputation` and `geographic` come with the reputation service. */
export type StrategyName = 'random' | 'load' | 'hybrid';

export interface StrategyWeights {
  readonly reputation: number;
  readonly freeSpace: number;
}

/** 0.6 reputation + 0.4 free-space share (reliability §5). */
export const DEFAULT_WEIGHTS: StrategyWeights = { reputation: 0.6, freeSpace: 0.4 };

/** Weights of the draw, one per candidate, each finite and > 0, so that everyone eligible has a chance. */
export type Strategy = (candidates: readonly Candidate[]) => number[];

/** Smallest weight: a peer that is nearly full still gets a share, so that nobody starves. */
const FLOOR = 0.01;
/**
 * Free space counts up to this multiple of the median: more than that cannot attract more shards, so that declaring
 * petabytes does not pay (reliability §2, hoarding by declared free space).
 */
const FREE_SPACE_CAP = 4;

const strategies = {
  random: () => (candidates) => candidates.map(() => 1),
  load: () => (candidates) => freeShares(candidates).map((share) => Math.max(FLOOR, share)),
  hybrid: (weights) => (candidates) => {
    const shares = freeShares(candidates);
    return candidates.map(({ reputation }, i) =>
      Math.max(FLOOR, weights.reputation * reputation + weights.freeSpace * (shares[i] as number)),
    );
  },
} as const satisfies Record<StrategyName, (weights: StrategyWeights) => Strategy>;

export function strategyOf(name: StrategyName, weights: StrategyWeights = DEFAULT_WEIGHTS): Strategy {
  return strategies[name](weights);
}

/** Free bytes of each candidate as a share (0 … 1) of the capped maximum. */
function freeShares(candidates: readonly Candidate[]): number[] {
  const sorted = candidates.map(({ free }) => free).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const top = Math.min(sorted.at(-1) ?? 0, FREE_SPACE_CAP * median);
  return candidates.map(({ free }) => (top === 0 ? 1 : Math.min(1, free / top)));
}

/**
 * Index drawn with probability weight / Σ weights.
 *
 * @param uniform a number in [0, 1)
 */
export function drawIndex(weights: readonly number[], uniform: number): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let rest = uniform * total;
  for (const [i, weight] of weights.entries()) {
    rest -= weight;
    if (rest < 0) return i;
  }
  // Rounding may leave a crumb: it belongs to the last one.
  return weights.length - 1;
}

import type { Candidate } from './candidates.ts';

export const STRATEGY_NAMES = ['hybrid', 'reputation', 'load', 'geographic', 'random'] as const;
export type StrategyName = (typeof STRATEGY_NAMES)[number];

export interface StrategyWeights {
  readonly reputation: number;
  readonly freeSpace: number;
}

/** 0.6 reputation + 0.4 free-space share (reliability §5). */
const DEFAULT_WEIGHTS: StrategyWeights = { reputation: 0.6, freeSpace: 0.4 };

/** Holders of the stripe so far in a region. */
export type HoldersIn = (region: string) => number;

/**
 * Weights of the draw, one per candidate, each finite and > 0, so that everyone eligible has a chance. A pure function of
 * the candidates and of where the holders are that were drawn before; the chance of a draw is weight / Σ weights.
 */
export type Strategy = (candidates: readonly Candidate[], holdersIn: HoldersIn) => number[];

/** Smallest weight: a peer that is nearly full still gets a share, so that nobody starves. */
const FLOOR = 0.01;
/**
 * Free space counts up to this multiple of the median: more than that cannot attract more shards, so that declaring
 * petabytes does not pay (reliability §2, hoarding by declared free space).
 */
const FREE_SPACE_CAP = 4;
/**
 * A peer weighs at most this multiple of the mean: whoever is alone in a region (nobody can check its name) must not draw
 * a whole region's share. The same bound as for free space.
 */
const REGION_CAP = 4;

/*
 * With s the free-space share (free bytes / the lesser of the largest and four medians, at most 1) and r the reputation:
 *   random      1
 *   load        max(0.01, s)
 *   reputation  max(0.01, r)
 *   hybrid      max(0.01, a·r + b·s) with the configured a and b
 *   geographic  l / (Σ l of the region · (1 + holders of the stripe in the region)), l as in load; at most 4 means
 */
const strategies = {
  random: () => (candidates) => candidates.map(() => 1),
  load: () => loads,
  reputation: () => (candidates) => candidates.map(({ reputation }) => Math.max(FLOOR, reputation)),
  hybrid: (weights) => (candidates) => {
    const shares = freeShares(candidates);
    return candidates.map(({ reputation }, i) =>
      Math.max(FLOOR, weights.reputation * reputation + weights.freeSpace * (shares[i] as number)),
    );
  },
  geographic: () => (candidates, holdersIn) => {
    const each = loads(candidates);
    const sums = new Map<string, number>();
    for (const [i, { region }] of candidates.entries()) {
      sums.set(region, (sums.get(region) ?? 0) + (each[i] as number));
    }
    const weights = candidates.map(
      ({ region }, i) => (each[i] as number) / ((sums.get(region) as number) * (1 + holdersIn(region))),
    );
    const most = (REGION_CAP * weights.reduce((sum, weight) => sum + weight, 0)) / weights.length;
    return weights.map((weight) => Math.min(weight, most));
  },
} as const satisfies Record<StrategyName, (weights: StrategyWeights) => Strategy>;

export function strategyOf(name: StrategyName, weights: StrategyWeights = DEFAULT_WEIGHTS): Strategy {
  return strategies[name](weights);
}

/**
 * Brings the chance of all newcomers together down to `share` where it is higher: with U and V the weights of newcomers
 * and of vetted peers, each newcomer's weight is multiplied by min(1, share·V / ((1 − share)·U)). Without vetted peers
 * nothing changes.
 */
export function limitNewcomers(candidates: readonly Candidate[], weights: number[], share: number): number[] {
  let newcomers = 0;
  let vetted = 0;
  for (const [i, candidate] of candidates.entries()) {
    if (candidate.vetted) vetted += weights[i] as number;
    else newcomers += weights[i] as number;
  }
  if (vetted === 0 || newcomers <= share * (newcomers + vetted)) return weights;
  const factor = (share * vetted) / ((1 - share) * newcomers);
  return weights.map((weight, i) => (candidates[i]?.vetted === true ? weight : weight * factor));
}

function loads(candidates: readonly Candidate[]): number[] {
  return freeShares(candidates).map((share) => Math.max(FLOOR, share));
}

/** Free bytes of each candidate as a share (0 … 1) of the capped maximum. */
function freeShares(candidates: readonly Candidate[]): number[] {
  const sorted = new Float64Array(candidates.length);
  // Copied by hand: `from` with a function takes longer than the sorting.
  for (let i = 0; i < sorted.length; i++) sorted[i] = (candidates[i] as Candidate).free;
  sorted.sort();
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
  // Rounding may leave a crumb: it belongs to the last one that has a chance.
  return weights.findLastIndex((weight) => weight > 0);
}

import type { Candidate, Place } from './candidates.ts';

/**
 * The constraints on a set of holders, in the order in which a small network gives them up: at most so many newcomers,
 * at most so many holders of one region, one of each subnet.
 */
export const SPREADS = ['newcomers', 'region', 'subnet'] as const;
export type Spread = (typeof SPREADS)[number];

/** What is kept first, then with one constraint after the other given up. */
export const RELAXATION: readonly (readonly Spread[])[] = [SPREADS, ['region', 'subnet'], ['subnet'], []];

/** How much was given up: each constraint weighs more than those before it together. */
export function gravity(relaxed: ReadonlySet<Spread>): number {
  return SPREADS.reduce((sum, spread, i) => sum + (relaxed.has(spread) ? 2 ** i : 0), 0);
}

export interface SpreadLimits {
  readonly maxPerRegion: number;
  readonly maxNewcomers: number;
}

/** Keeps the holders of a stripe apart. */
export class SpreadTracker {
  readonly #subnets = new Set<string>();
  readonly #regions = new Map<string, number>();
  readonly #limits: SpreadLimits;
  #newcomers = 0;

  constructor(limits: SpreadLimits) {
    this.#limits = limits;
  }

  /** Whether all stay apart in this respect when the candidate joins. Unknown regions bind nothing. */
  keeps({ subnet, region, vetted }: Candidate, spread: Spread): boolean {
    switch (spread) {
      case 'newcomers':
        return vetted || this.#newcomers < this.#limits.maxNewcomers;
      case 'region':
        return region === '' || this.holdersIn(region) < this.#limits.maxPerRegion;
      case 'subnet':
        return !this.#subnets.has(subnet);
    }
  }

  allows(candidate: Candidate, spreads: readonly Spread[]): boolean {
    return spreads.every((spread) => this.keeps(candidate, spread));
  }

  /** Holders of this region so far. */
  holdersIn(region: string): number {
    return this.#regions.get(region) ?? 0;
  }

  add({ subnet, region, vetted }: Place): void {
    this.#subnets.add(subnet);
    this.#regions.set(region, this.holdersIn(region) + 1);
    if (!vetted) this.#newcomers++;
  }
}

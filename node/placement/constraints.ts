import type { Candidate } from './candidates.ts';

/** Below this a peer gets no new shards (reliability §4). */
export const MINIMUM_REPUTATION = 0.3;

export interface Requirements {
  readonly exclude: ReadonlySet<string>;
  /** Free bytes a holder must have for what it is to take. */
  readonly bytesEach: number;
  readonly minimumReputation?: number;
}

/** The constraints that are never relaxed: online, not banned, enough space, enough reputation, not excluded. */
export function isEligible(candidate: Candidate, requirements: Requirements): boolean {
  return (
    candidate.online &&
    !candidate.banned &&
    candidate.free >= requirements.bytesEach &&
    candidate.reputation >= (requirements.minimumReputation ?? MINIMUM_REPUTATION) &&
    !requirements.exclude.has(candidate.peer)
  );
}

/** The constraints on a set of holders, in the order in which a small network gives them up. */
export type Spread = 'region' | 'subnet';

/** Keeps the holders of a stripe apart: one per subnet, at most `maxPerRegion` per region. */
export class SpreadTracker {
  readonly #subnets = new Set<string>();
  readonly #regions = new Map<string, number>();
  readonly #maxPerRegion: number;

  constructor(maxPerRegion: number) {
    this.#maxPerRegion = maxPerRegion;
  }

  /** Whether the candidate keeps the given constraints. Unknown subnets and regions bind nothing. */
  allows(candidate: Candidate, constraints: ReadonlySet<Spread>): boolean {
    const { subnet, region } = candidate;
    if (constraints.has('subnet') && subnet !== undefined && this.#subnets.has(subnet)) return false;
    return !(constraints.has('region') && region !== '' && (this.#regions.get(region) ?? 0) >= this.#maxPerRegion);
  }

  add({ subnet, region }: Candidate): void {
    if (subnet !== undefined) this.#subnets.add(subnet);
    this.#regions.set(region, (this.#regions.get(region) ?? 0) + 1);
  }
}

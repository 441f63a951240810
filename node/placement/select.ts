import type { Candidate } from './candidates.ts';
import { isEligible, MINIMUM_INTEGRITY, type Requirements } from './constraints.ts';
import { type Explanation, explain } from './explain.ts';
import { PlacementError, tooFewPeers } from './placement-error.ts';
import { RELAXATION, type Spread, SpreadTracker } from './spread.ts';
import { drawIndex, type HoldersIn, limitNewcomers, type Strategy } from './strategies.ts';

export interface SelectRequest {
  readonly count: number;
  /** Peers that must not be drawn: the owner, and who holds a shard of the stripe already. */
  readonly exclude?: readonly string[];
  /** Peers that stay and count for the spread (a replacement is drawn beside them). Never drawn. */
  readonly beside?: readonly string[];
  /** Bytes each holder is to take. */
  readonly bytesEach: number;
  /** Holders that one region may have; without it regions are not looked at. */
  readonly maxPerRegion?: number;
}

export interface Selection {
  /** Distinct peers, in the order drawn. */
  readonly peers: string[];
  /** One line for each constraint that the network was too small to keep. */
  readonly warnings: string[];
}

export interface PlacementOptions {
  readonly candidates: {
    list(): Candidate[];
    get(peer: string): Candidate | undefined;
    /** What is given to a peer counts against its advertised space until its next advert. */
    promised(peer: string, bytes: number): void;
  };
  /** This node: never eligible for its own files. */
  readonly self: string;
  readonly strategy: Strategy;
  readonly random: (bytes: number) => Uint8Array;
  readonly minimumIntegrity?: number;
  /** 0 … 1: share of the holders of a stripe that may be newcomers while vetted peers suffice. */
  readonly newcomerShare?: number;
}

const DEFAULT_NEWCOMER_SHARE = 0.1;
const WARNED: readonly Spread[] = ['region', 'subnet'];

/**
 * Draws holders: weighted, without replacement, under the constraints of reliability §5. The chance of a newcomer is at
 * most `newcomerShare` in each draw, and a stripe has at most ⌈newcomerShare · holders⌉ of them, while vetted peers
 * suffice.
 */
export class Placement {
  readonly #options: PlacementOptions;
  readonly #newcomerShare: number;

  constructor(options: PlacementOptions) {
    this.#options = options;
    this.#newcomerShare = options.newcomerShare ?? DEFAULT_NEWCOMER_SHARE;
  }

  /** Peers that could take `bytesEach` (default: anything at all) now. */
  eligible(request: { readonly exclude?: readonly string[]; readonly bytesEach?: number } = {}): string[] {
    return this.#eligible({ count: 0, bytesEach: 0, ...request }).map(({ peer }) => peer);
  }

  /** @throws PlacementError 'too-few-peers' */
  select(request: SelectRequest): Selection {
    const { count } = request;
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new PlacementError({ code: 'bad-option', option: 'count' }, `${count} is not a number of peers`);
    }
    const pool = this.#eligible(request);
    if (pool.length < count) throw tooFewPeers(count, pool.length);
    const spread = this.#spread(request);
    const relaxed = new Set<Spread>();
    const peers: string[] = [];
    while (peers.length < count) {
      const drawn = this.#draw(pool, spread, relaxed);
      pool.splice(pool.indexOf(drawn), 1);
      spread.add(drawn);
      peers.push(drawn.peer);
    }
    for (const peer of peers) this.#options.candidates.promised(peer, request.bytesEach);
    return { peers, warnings: WARNED.filter((spread) => relaxed.has(spread)).map((spread) => warning(spread, count)) };
  }

  /** What `select` would make of each known peer, with the holders in `beside`. Nothing is promised. */
  explain(request: SelectRequest): Explanation[] {
    return explain({
      candidates: this.#options.candidates.list(),
      requirements: this.#requirements(request),
      spread: this.#spread(request),
      weigh: (candidates) => this.#weigh(candidates, () => 0),
    });
  }

  /** The pool is not empty. Gives up constraints one by one when nobody keeps them all. */
  #draw(pool: readonly Candidate[], spread: SpreadTracker, relaxed: Set<Spread>): Candidate {
    for (const constraints of RELAXATION) {
      const allowed = pool.filter((candidate) => spread.allows(candidate, constraints));
      if (allowed.length === 0) continue;
      const weights = this.#weigh(allowed, (region) => spread.holdersIn(region));
      const drawn = allowed[drawIndex(weights, this.#uniform())] as Candidate;
      for (const constraint of WARNED) if (!spread.keeps(drawn, constraint)) relaxed.add(constraint);
      return drawn;
    }
    throw tooFewPeers(1, 0);
  }

  #weigh(candidates: readonly Candidate[], holdersIn: HoldersIn): number[] {
    return limitNewcomers(candidates, this.#options.strategy(candidates, holdersIn), this.#newcomerShare);
  }

  /** Of the holders that stay, with the limits for them and for those to be drawn. */
  #spread({ count, beside = [], maxPerRegion = Number.POSITIVE_INFINITY }: SelectRequest): SpreadTracker {
    const maxNewcomers = Math.ceil(this.#newcomerShare * (count + beside.length));
    const spread = new SpreadTracker({ maxPerRegion, maxNewcomers });
    for (const peer of beside) {
      const candidate = this.#options.candidates.get(peer);
      if (candidate !== undefined) spread.add(candidate);
    }
    return spread;
  }

  #eligible(request: SelectRequest): Candidate[] {
    const requirements = this.#requirements(request);
    return this.#options.candidates.list().filter((candidate) => isEligible(candidate, requirements));
  }

  #requirements({ exclude = [], beside = [], bytesEach }: SelectRequest): Requirements {
    const { self, minimumIntegrity = MINIMUM_INTEGRITY } = this.#options;
    return { holders: new Set(beside), exclude: new Set([self, ...exclude]), bytesEach, minimumIntegrity };
  }

  /** 48 random bits as a number in [0, 1). */
  #uniform(): number {
    const bytes = this.#options.random(6);
    return bytes.reduce((value, byte) => value * 256 + byte, 0) / 2 ** 48;
  }
}

function warning(constraint: Spread, count: number): string {
  const what = constraint === 'subnet' ? 'share a subnet' : 'crowd one region';
  return `the network is too small to keep ${count} holders apart: some ${what}`;
}

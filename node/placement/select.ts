import { type RandomBytes, randomFraction } from '../random.ts';
import type { Candidate, Place } from './candidates.ts';
import { barring, isEligible, MINIMUM_INTEGRITY, type Requirements } from './constraints.ts';
import { type Explanation, explain } from './explain.ts';
import { barred, PlacementError, tooFewPeers } from './placement-error.ts';
import { gravity, RELAXATION, SPREADS, type Spread, SpreadTracker } from './spread.ts';
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
    /** Also of a peer that is no candidate yet. */
    placeOf(peer: string): Place;
    /** What is given to a peer counts against its advertised space until its next advert. */
    promised(peer: string, bytes: number): void;
  };
  /** This node: never eligible for its own files. */
  readonly self: string;
  readonly strategy: Strategy;
  readonly random: RandomBytes;
  readonly minimumIntegrity?: number;
  /** 0 … 1: share of the holders of a stripe that may be newcomers while vetted peers suffice. */
  readonly newcomerShare?: number;
}

const DEFAULT_NEWCOMER_SHARE = 0.1;
/** That newcomers help out is no news in a young network. */
const WARNED: readonly Spread[] = ['region', 'subnet'];
const MAX_TRIES = 16;
/** Above this there is always somebody left for the 64 places of the widest stripe, and tries take long. */
const MAX_RETRIED_POOL = 1_000;

interface Drawn {
  readonly peers: string[];
  /** Constraints that one of them does not keep. */
  readonly relaxed: Set<Spread>;
}

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
    const { peers, relaxed } = this.#best(pool, request);
    for (const peer of peers) this.#options.candidates.promised(peer, request.bytesEach);
    const holders = count + (request.beside?.length ?? 0);
    return {
      peers,
      warnings: WARNED.filter((spread) => relaxed.has(spread)).map((spread) => warning(spread, holders)),
    };
  }

  /** Why a peer that was drawn before is to get nothing more: banned since, say; undefined when it may. */
  refusalOf(peer: string): PlacementError | undefined {
    const candidate = this.#options.candidates.get(peer);
    const reason = candidate && barring(candidate, this.#requirements({ count: 0, bytesEach: 0 }));
    return reason && barred(peer, reason);
  }

  /** What `select` would make of each known peer, with the holders in `beside`. Nothing is promised. */
  explain(request: SelectRequest): Explanation[] {
    return explain({
      candidates: this.#options.candidates.list(),
      requirements: this.#requirements(request),
      spread: this.#spread(this.#eligible(request), request),
      weigh: (candidates) => this.#weigh(candidates, () => 0),
    });
  }

  /**
   * One draw after the other may end where only those are left who crowd somebody, though other draws would not: then all
   * draws are made anew. Only in such networks does the first of several draws differ a little from its weights.
   */
  #best(pool: readonly Candidate[], request: SelectRequest): Drawn {
    let best = this.#drawAll(pool, request);
    const tries = pool.length <= MAX_RETRIED_POOL ? MAX_TRIES : 1;
    for (let i = 1; i < tries && best.relaxed.size > 0; i++) {
      const other = this.#drawAll(pool, request);
      if (gravity(other.relaxed) < gravity(best.relaxed)) best = other;
    }
    return best;
  }

  #drawAll(pool: readonly Candidate[], request: SelectRequest): Drawn {
    const left = [...pool];
    const spread = this.#spread(pool, request);
    const drawn: Drawn = { peers: [], relaxed: new Set() };
    while (drawn.peers.length < request.count) {
      const one = this.#draw(left, spread);
      for (const name of SPREADS) if (!spread.keeps(one, name)) drawn.relaxed.add(name);
      left.splice(left.indexOf(one), 1);
      spread.add(one);
      drawn.peers.push(one.peer);
    }
    return drawn;
  }

  /** The pool is not empty. Gives up constraints one by one when nobody keeps them all. */
  #draw(pool: readonly Candidate[], spread: SpreadTracker): Candidate {
    for (const constraints of RELAXATION) {
      const allowed = pool.filter((candidate) => spread.allows(candidate, constraints));
      if (allowed.length === 0) continue;
      const weights = this.#weigh(allowed, (region) => spread.holdersIn(region));
      return allowed[drawIndex(weights, randomFraction(this.#options.random))] as Candidate;
    }
    throw tooFewPeers(1, 0);
  }

  #weigh(candidates: readonly Candidate[], holdersIn: HoldersIn): number[] {
    return limitNewcomers(candidates, this.#options.strategy(candidates, holdersIn), this.#newcomerShare);
  }

  /** Of the holders that stay, with the limits for them and for those to be drawn. */
  #spread(
    pool: readonly Candidate[],
    { count, beside = [], maxPerRegion = Number.POSITIVE_INFINITY }: SelectRequest,
  ): SpreadTracker {
    const staying = beside.map((peer) => this.#options.candidates.placeOf(peer));
    const newcomersThere = staying.filter(({ vetted }) => !vetted).length;
    const vettedLeft = pool.filter(({ vetted }) => vetted).length;
    const maxNewcomers = Math.max(
      Math.ceil(this.#newcomerShare * (count + beside.length)),
      // Where vetted peers do not suffice, newcomers take the rest.
      newcomersThere + count - vettedLeft,
    );
    const spread = new SpreadTracker({ maxPerRegion, maxNewcomers });
    for (const place of staying) spread.add(place);
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
}

function warning(constraint: Spread, holders: number): string {
  const what = constraint === 'subnet' ? 'share a subnet' : 'crowd one region';
  return `the network is too small to keep ${holders} holders apart: some ${what}`;
}

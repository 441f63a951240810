import type { Candidate } from './candidates.ts';
import { isEligible, type Requirements, type Spread, SpreadTracker } from './constraints.ts';
import { PlacementError, tooFewPeers } from './placement-error.ts';
import { drawIndex, type Strategy } from './strategies.ts';

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
  readonly minimumReputation?: number;
}

/** Constraints on the set of holders, the first to be given up at the end. */
const RELAXATION: readonly ReadonlySet<Spread>[] = [new Set(['subnet', 'region']), new Set(['subnet']), new Set()];

/** Draws holders: weighted, without replacement, under the constraints of reliability §5. */
export class Placement {
  readonly #options: PlacementOptions;

  constructor(options: PlacementOptions) {
    this.#options = options;
  }

  /** Peers that could take `bytesEach` (default: anything at all) now. */
  eligible(request: { readonly exclude?: readonly string[]; readonly bytesEach?: number } = {}): string[] {
    return this.#eligible({ count: 0, bytesEach: 0, ...request }).map(({ peer }) => peer);
  }

  /** @throws PlacementError 'too-few-peers' */
  select(request: SelectRequest): Selection {
    const { count, maxPerRegion = Number.POSITIVE_INFINITY } = request;
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new PlacementError({ code: 'bad-option', option: 'count' }, `${count} is not a number of peers`);
    }
    const pool = this.#eligible(request);
    if (pool.length < count) throw tooFewPeers(count, pool.length);
    const spread = new SpreadTracker(maxPerRegion);
    for (const peer of request.beside ?? []) {
      const candidate = this.#options.candidates.get(peer);
      if (candidate !== undefined) spread.add(candidate);
    }
    const relaxed = new Set<Spread>();
    const peers: string[] = [];
    while (peers.length < count) {
      const drawn = this.#draw(pool, spread, relaxed);
      pool.splice(pool.indexOf(drawn), 1);
      spread.add(drawn);
      peers.push(drawn.peer);
    }
    for (const peer of peers) this.#options.candidates.promised(peer, request.bytesEach);
    return { peers, warnings: [...relaxed].map((constraint) => warning(constraint, count)) };
  }

  /** The pool is not empty. Gives up constraints one by one when nobody keeps them all. */
  #draw(pool: readonly Candidate[], spread: SpreadTracker, relaxed: Set<Spread>): Candidate {
    for (const constraints of RELAXATION) {
      const allowed = pool.filter((candidate) => spread.allows(candidate, constraints));
      if (allowed.length === 0) continue;
      const drawn = allowed[drawIndex(this.#options.strategy(allowed), this.#uniform())] as Candidate;
      for (const constraint of ['region', 'subnet'] as const) {
        if (!spread.allows(drawn, new Set([constraint]))) relaxed.add(constraint);
      }
      return drawn;
    }
    throw tooFewPeers(1, 0);
  }

  #eligible({ exclude = [], beside = [], bytesEach }: SelectRequest): Candidate[] {
    const { candidates, self, minimumReputation } = this.#options;
    const requirements: Requirements = {
      exclude: new Set([self, ...exclude, ...beside]),
      bytesEach,
      ...(minimumReputation === undefined ? {} : { minimumReputation }),
    };
    return candidates.list().filter((candidate) => isEligible(candidate, requirements));
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

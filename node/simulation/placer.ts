import type { Candidate } from '../placement/candidates.ts';
import { PlacementError } from '../placement/placement-error.ts';
import { Placement } from '../placement/select.ts';
import { isSuspended } from '../placement/standing.ts';
import { strategyOf } from '../placement/strategies.ts';
import { scoreOf } from '../reputation/standing.ts';
import { maxPerRegion } from '../transfer/required-shards.ts';
import type { Judging } from './judging.ts';
import { DEFAULT_POLICY, DEFAULT_SUSPENSION_MS } from './policy.ts';
import type { Population } from './population.ts';
import type { RandomStream } from './random-stream.ts';
import type { SimulationScenario } from './scenario-format.ts';
import { type StripeTable, VIEW } from './stripe-table.ts';

/** Tries per wanted candidate before it is taken that hardly anybody is online. */
const TRIES = 8;

export interface PlacerParts {
  readonly scenario: SimulationScenario;
  readonly population: Population;
  readonly table: StripeTable;
  readonly judging: Judging;
  readonly random: RandomStream;
}

export interface PlaceRequest {
  readonly count: number;
  /** Holders that stay. */
  readonly beside: readonly number[];
  readonly now: number;
  /** Only members of this group of adversaries; HONEST or absent: anybody. */
  readonly group?: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * The product's placement, over what one node knows: `placement.known` peers drawn by chance for each decision, as many as
 * a node has connections. (Weighing all nodes of a large network for each shard would be slower and no other draw.)
 */
export class Placer {
  readonly #parts: PlacerParts;
  readonly #placement: Placement;
  readonly #maxPerRegion: number;
  readonly #candidates: readonly Mutable<Candidate>[];
  readonly #byPeer: ReadonlyMap<string, number>;
  /** Per node: the decision it was last considered in. */
  readonly #seen: Int32Array;
  #decision = 0;
  #looked = 0;
  #known: Candidate[] = [];
  #now = 0;

  constructor(parts: PlacerParts) {
    const { scenario, population, random } = parts;
    const { strategy, newcomerShare } = scenario.placement;
    this.#parts = parts;
    this.#maxPerRegion = maxPerRegion({ id: 1, ...scenario.files.code });
    this.#candidates = Array.from({ length: population.size }, (_, node) => this.#blank(node));
    this.#byPeer = new Map(this.#candidates.map(({ peer }, node) => [peer, node]));
    this.#seen = new Int32Array(population.size);
    this.#placement = new Placement({
      candidates: {
        list: () => this.#known,
        get: (peer) => this.#refreshed(this.#byPeer.get(peer) as number),
        placeOf: (peer) => this.#refreshed(this.#byPeer.get(peer) as number),
        promised: () => {},
      },
      self: '',
      strategy: strategyOf(strategy),
      random: random.bytes,
      newcomerShare,
    });
  }

  /** Candidates looked at up to now. */
  get looked(): number {
    return this.#looked;
  }

  /** New holders, as many of `count` as there are who may be. */
  choose({ count, beside, now, group }: PlaceRequest): number[] {
    this.#now = now;
    this.#know(group);
    this.#looked += this.#known.length;
    const request = { beside: beside.map(peerOf), bytesEach: 1, maxPerRegion: this.#maxPerRegion };
    for (let asked = count; asked > 0; ) {
      try {
        const { peers } = this.#placement.select({ ...request, count: asked });
        return peers.map((peer) => this.#byPeer.get(peer) as number);
      } catch (error) {
        if (!(error instanceof PlacementError) || error.type.code !== 'too-few-peers') throw error;
        asked = error.type.present;
      }
    }
    return [];
  }

  /** Draws who is known: online nodes, each at most once; in a network of no more nodes than that, all of them. */
  #know(group: number | undefined): void {
    const { population, random, scenario } = this.#parts;
    const { known } = scenario.placement;
    const decision = ++this.#decision;
    this.#known = [];
    if (known >= population.size) {
      for (let node = 0; node < population.size; node++) this.#meet(node, group);
      return;
    }
    for (let tries = TRIES * known; tries > 0 && this.#known.length < known; tries--) {
      const node = random.below(population.size);
      if (this.#seen[node] === decision) continue;
      this.#seen[node] = decision;
      this.#meet(node, group);
    }
  }

  #meet(node: number, group: number | undefined): void {
    const { population, table } = this.#parts;
    if (table.views[node] !== VIEW.answers) return;
    if (group === undefined || population.groups[node] === group) this.#known.push(this.#refreshed(node));
  }

  #blank(node: number): Mutable<Candidate> {
    const { population } = this.#parts;
    const region = population.regionNames[population.regions[node] as number] as string;
    return {
      peer: peerOf(node),
      capacity: population.capacity,
      free: population.capacity,
      region,
      declaredRegion: region,
      subnet: population.subnets[node] as string,
      online: true,
      banned: false,
      listing: undefined,
      integrity: 0,
      reputation: 0,
      vetted: false,
      suspended: false,
      disqualified: false,
    };
  }

  /** The candidate as it is now. Space counts in shards. */
  #refreshed(node: number): Candidate {
    const { population, table, judging, scenario } = this.#parts;
    const candidate = this.#candidates[node] as Mutable<Candidate>;
    const standing = judging.standingOf(node, this.#now);
    const group = population.groups[node] as number;
    const declared = scenario.adversaries[group]?.capacity;
    const capacity = declared === undefined ? population.capacity : Math.floor(declared / scenario.files.shardSize);
    candidate.free = Math.max(0, capacity - table.heldCount(node));
    candidate.online = table.views[node] === VIEW.answers;
    candidate.integrity = standing.integrity;
    candidate.reputation = scoreOf(standing);
    candidate.vetted = standing.vetted;
    candidate.suspended = isSuspended(standing, judging.clock(this.#now), DEFAULT_SUSPENSION_MS);
    candidate.disqualified = standing.disqualified;
    return candidate;
  }
}

/** Below it a peer gets no new shards; for counting who is barred. */
export const LEAST_INTEGRITY = DEFAULT_POLICY.minimumIntegrity;

function peerOf(node: number): string {
  return String(node);
}

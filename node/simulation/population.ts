import type { RandomStream } from './random-stream.ts';
import type { SimulationScenario } from './scenario-format.ts';

/** No adversary. */
export const HONEST = -1;

/**
 * What is fixed about each node and the state of its lines. Nodes are numbers below the size of the network; a node that
 * joins for one that departed takes over its number, region and line, under a new identity (`epochs`).
 */
export class Population {
  readonly size: number;
  /** Index into `regionNames`. */
  readonly regions: Uint8Array;
  readonly regionNames: readonly string[];
  /** Index of its group of adversaries, or HONEST. */
  readonly groups: Int8Array;
  readonly subnets: readonly string[];
  /** Shards that it takes. */
  readonly capacity: number;
  readonly epochs: Int32Array;
  /** Its identity exists since; before the start for those that are there at it. */
  readonly joinedAt: Float64Array;
  readonly disqualified: Uint8Array;
  /** Until when its lines are taken. */
  readonly sendingUntil: Float64Array;
  readonly receivingUntil: Float64Array;

  constructor(scenario: SimulationScenario, random: RandomStream) {
    const { network, files, adversaries } = scenario;
    const size = network.nodes;
    this.size = size;
    this.capacity = Math.floor(network.capacity / files.shardSize);
    this.regionNames = network.regions.size === 0 ? [''] : [...network.regions.keys()];
    this.regions = dealt(size, network.regions.size === 0 ? [1] : [...network.regions.values()], random);
    this.groups = groupsOf(size, adversaries, random);
    this.subnets = Array.from(this.groups, (group, node) => {
      const subnets = group === HONEST ? undefined : adversaries[group]?.subnets;
      return subnets === undefined ? `n${node}` : `a${group}-${node % subnets}`;
    });
    this.epochs = new Int32Array(size);
    this.joinedAt = new Float64Array(size).fill(-network.age);
    this.disqualified = new Uint8Array(size);
    this.sendingUntil = new Float64Array(size);
    this.receivingUntil = new Float64Array(size);
  }

  isHonest(node: number): boolean {
    return this.groups[node] === HONEST;
  }
}

/** Whole nodes in proportion to the weights (largest remainders), then shuffled. */
function dealt(size: number, weights: readonly number[], random: RandomStream): Uint8Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const exact = weights.map((weight) => (size * weight) / total);
  const counts = exact.map(Math.floor);
  const order = exact.map((_, i) => i).sort((a, b) => fractionOf(exact, b) - fractionOf(exact, a) || a - b);
  const left = size - counts.reduce((sum, count) => sum + count, 0);
  for (const i of order.slice(0, left)) counts[i] = (counts[i] as number) + 1;
  const regions = Uint8Array.from(counts.flatMap((count, region) => Array<number>(count).fill(region)));
  shuffle(regions, random);
  return regions;
}

function fractionOf(values: readonly number[], i: number): number {
  const value = values[i] as number;
  return value - Math.floor(value);
}

function groupsOf(size: number, groups: SimulationScenario['adversaries'], random: RandomStream): Int8Array {
  const out = new Int8Array(size).fill(HONEST);
  let next = 0;
  for (const [i, { share }] of groups.entries()) {
    const end = Math.min(size, next + Math.round(share * size));
    out.fill(i, next, end);
    next = end;
  }
  shuffle(out, random);
  return out;
}

/** Fisher and Yates. */
function shuffle(items: Uint8Array | Int8Array, random: RandomStream): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const item = items[i] as number;
    items[i] = items[j] as number;
    items[j] = item;
  }
}

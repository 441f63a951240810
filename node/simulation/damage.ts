import type { Audits } from './audits.ts';
import { type Agenda, EVENT } from './events.ts';
import { HONEST, type Population } from './population.ts';
import type { RandomStream } from './random-stream.ts';
import type { SimulationScenario, Target } from './scenario-format.ts';
import { SHARD, type StripeTable } from './stripe-table.ts';

const YEAR_MS = 365 * 24 * 3_600_000;

export interface DamageParts {
  readonly scenario: SimulationScenario;
  readonly population: Population;
  readonly table: StripeTable;
  readonly audits: Pick<Audits, 'watch'>;
  readonly agenda: Agenda;
  readonly random: RandomStream;
  readonly onDepart: (node: number, now: number) => void;
  readonly onOutage: (node: number, begins: boolean, now: number) => void;
  readonly onSpoiled: (slot: number, now: number) => void;
}

/** What goes wrong by chance, by plan and by malice. */
export class Damage {
  readonly #parts: DamageParts;
  readonly #active: Uint8Array;
  /** Nodes of each outage, until it ends. */
  readonly #outages = new Map<number, readonly number[]>();

  constructor(parts: DamageParts) {
    this.#parts = parts;
    this.#active = new Uint8Array(parts.scenario.adversaries.length);
  }

  start(): void {
    const { agenda, scenario } = this.#parts;
    for (const [i, { from }] of scenario.adversaries.entries()) agenda.push(from, EVENT.activate, i);
    for (const [i, { at }] of scenario.faults.entries()) agenda.push(at, EVENT.fault, i);
    if (scenario.corruption.perShardYear > 0) this.#planCorruption(0);
  }

  /**
   * One shard of all slots rots. Rot strikes each shard at the same rate, so that all together are a Poisson process of the
   * sum of their rates; a draw that falls on a slot without a good shard is void, which thins it to those that have one.
   */
  corrupt(now: number): void {
    const { table, random } = this.#parts;
    this.#spoil(random.below(table.states.length), now);
    this.#planCorruption(now);
  }

  /** A group of adversaries begins. */
  activate(group: number, now: number): void {
    const { table, population } = this.#parts;
    this.#active[group] = 1;
    for (let node = 0; node < population.size; node++) {
      if (population.groups[node] !== group) continue;
      for (const slot of table.heldBy(node).slice()) this.#dropped(slot, group, now);
    }
  }

  /** A node got a shard. */
  placed(slot: number, node: number, now: number): void {
    const group = this.#parts.population.groups[node] as number;
    if (group !== HONEST && this.#active[group] === 1) this.#dropped(slot, group, now);
  }

  isActive(group: number): boolean {
    return group !== HONEST && this.#active[group] === 1;
  }

  fault(index: number, now: number): void {
    const { scenario, onDepart, onOutage, agenda, table, random } = this.#parts;
    const fault = scenario.faults[index];
    if (fault === undefined) return;
    const nodes = this.#nodesOf(fault.value);
    switch (fault.kind) {
      case 'departure':
        for (const node of nodes) onDepart(node, now);
        return;
      case 'outage':
        this.#outages.set(index, nodes);
        for (const node of nodes) onOutage(node, true, now);
        agenda.push(now + fault.value.for, EVENT.outageEnds, index);
        return;
      case 'corruption':
        for (const node of nodes) {
          for (const slot of table.heldBy(node).slice()) if (random.chance(fault.value.shards)) this.#spoil(slot, now);
        }
    }
  }

  outageEnds(index: number, now: number): void {
    for (const node of this.#outages.get(index) ?? []) this.#parts.onOutage(node, false, now);
    this.#outages.delete(index);
  }

  #nodesOf({ region, share, nodes }: Target): readonly number[] {
    const { population, random } = this.#parts;
    if (nodes !== undefined) return [...new Set(nodes)];
    const all = Array.from({ length: population.size }, (_, node) => node);
    if (region !== undefined) {
      const number = population.regionNames.indexOf(region);
      return all.filter((node) => population.regions[node] === number);
    }
    // The first of a shuffled list.
    const count = Math.round((share ?? 0) * population.size);
    for (let i = 0; i < count; i++) {
      const j = i + random.below(all.length - i);
      const node = all[i] as number;
      all[i] = all[j] as number;
      all[j] = node;
    }
    return all.slice(0, count);
  }

  #dropped(slot: number, group: number, now: number): void {
    const { scenario, random } = this.#parts;
    if (random.chance(scenario.adversaries[group]?.drop ?? 0)) this.#spoil(slot, now);
  }

  #spoil(slot: number, now: number): void {
    const { table, audits, onSpoiled } = this.#parts;
    if (table.states[slot] !== SHARD.good || table.departed[table.holders[slot] as number] === 1) return;
    table.spoil(slot);
    onSpoiled(slot, now);
    audits.watch(slot, now);
  }

  #planCorruption(now: number): void {
    const { agenda, random, scenario, table } = this.#parts;
    const mean = YEAR_MS / (scenario.corruption.perShardYear * table.states.length);
    agenda.push(now + random.exponential(mean), EVENT.corrupt, 0);
  }
}

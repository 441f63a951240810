import { guardianOrder } from '../../protocol/guardian-order.ts';
import { turnOf } from '../repair/turns.ts';
import { HONEST, type Population } from './population.ts';
import type { SimulationScenario } from './scenario-format.ts';
import { SHARD, type StripeTable, VIEW } from './stripe-table.ts';

export interface GuardianParts {
  readonly scenario: SimulationScenario;
  readonly population: Population;
  readonly table: StripeTable;
  readonly isActive: (group: number) => boolean;
}

/** Who repairs a stripe, and after how many others had their turn. */
export interface Guardian {
  readonly node: number;
  readonly turn: number;
  /** Whether it is among the first, who look the most often. */
  readonly isFirst: boolean;
}

const KEY_BYTES = 32;

/**
 * The guardian that acts: the holders that answer, in the order of the stripe, take their turns as in the product
 * (node/repair/guardianship.ts), and each that does nothing costs one. Undefined when no holder acts. Who has been
 * disqualified guards nothing.
 */
export function actingGuardian(stripe: number, parts: GuardianParts): Guardian | undefined {
  const { scenario, population, table } = parts;
  const holders: Uint8Array[] = [];
  const end = (stripe + 1) * table.width;
  for (let slot = stripe * table.width; slot < end; slot++) {
    const node = table.holders[slot] as number;
    if (table.states[slot] === SHARD.missing || table.views[node] !== VIEW.answers) continue;
    holders.push(keyOf(node, population.epochs[node] as number));
  }
  const order = guardianOrder(keyOf(stripe, 0), holders).map(nodeOf);
  const place = order.findIndex((node) => acts(node, parts));
  const node = order[place];
  return node === undefined ? undefined : { node, turn: turnOf(place), isFirst: place < scenario.repair.guardians };
}

function acts(node: number, { scenario, population, isActive }: GuardianParts): boolean {
  const group = population.groups[node] as number;
  if (group === HONEST || !isActive(group)) return true;
  return scenario.adversaries[group]?.guardians !== 'idle';
}

/** Stands for the key of an identity, and for the root of a stripe. */
function keyOf(number: number, epoch: number): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  const view = new DataView(key.buffer);
  view.setUint32(0, number);
  view.setUint32(4, epoch);
  return key;
}

function nodeOf(key: Uint8Array): number {
  return new DataView(key.buffer).getUint32(0);
}

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
}

/**
 * The guardian that acts: of the holders that answer, the G first in the order of the stripe; each that does nothing takes
 * its turn. Undefined when none of them acts. Who has been disqualified guards nothing.
 *
 * The order is that of a hash of stripe and identity, as in protocol v1; a 32-bit mixer stands for SHA-256 here, of which
 * only its uniformity matters.
 */
export function actingGuardian(stripe: number, parts: GuardianParts): Guardian | undefined {
  const { scenario, population, table } = parts;
  const ranked: { readonly node: number; readonly rank: number }[] = [];
  const end = (stripe + 1) * table.width;
  for (let slot = stripe * table.width; slot < end; slot++) {
    const node = table.holders[slot] as number;
    if (table.states[slot] === SHARD.missing || table.views[node] !== VIEW.answers) continue;
    ranked.push({ node, rank: mixed(stripe, node, population.epochs[node] as number) });
  }
  ranked.sort((a, b) => a.rank - b.rank || a.node - b.node);
  const turn = ranked.slice(0, scenario.repair.guardians).findIndex(({ node }) => acts(node, parts));
  const found = ranked[turn];
  return found && { node: found.node, turn };
}

function acts(node: number, { scenario, population, isActive }: GuardianParts): boolean {
  const group = population.groups[node] as number;
  if (group === HONEST || !isActive(group)) return true;
  return scenario.adversaries[group]?.guardians !== 'idle';
}

/** The finalizer of MurmurHash3 (A. Appleby, public domain), over the three in turn. */
function mixed(stripe: number, node: number, epoch: number): number {
  return finalized(finalized(finalized(stripe) ^ node) ^ epoch);
}

function finalized(value: number): number {
  let h = (value + 0x9e3779b9) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

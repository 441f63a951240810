import { shareLongerThan } from './lifetime.ts';
import type { SimulationScenario } from './scenario-format.ts';

/** What a scenario asks of the machine, estimated from its numbers before anything is run. */
interface Effort {
  /** By the key that asks for it: events, and what they look at. A step takes some microseconds. */
  readonly steps: ReadonlyMap<string, number>;
  /** Events that wait at the same time. */
  readonly pending: number;
}

/** Some hours of one processor; a year of 10,000 nodes and 1,000,000 stripes stays far below. */
export const MAX_STEPS = 5e9;

const YEAR_MS = 365 * 24 * 3_600_000;
/** Stripes whose counts are changed in the time of one event. */
const TOUCHES_PER_STEP = 16;

/**
 * Renewals give the rates: a node that is on and off in turns changes 2/(on + off) times in a unit of time, one that lives
 * for a mean L is replaced 1/L times, shards rot at their rate, and every shard that is lost is placed again, with all
 * others of its stripe that are missing by then. A change of a node touches all stripes that it has a shard of, a placement
 * looks at all peers that are known. Stripes that are lost on the way ask for nothing more: the true numbers are smaller.
 */
export function effortOf(scenario: SimulationScenario): Effort {
  const { time, network, files, placement, churn, audits, repair, corruption, adversaries, faults, samples } = scenario;
  const { k, m } = files.code;
  const { nodes } = network;
  const shards = files.stripes * (k + m);
  const held = shards / nodes;
  const known = Math.min(placement.known, nodes);
  const change = 1 + held / TOUCHES_PER_STEP;
  const perRepair = repair.threshold === 'auto' ? Math.max(1, Math.floor(m / 2)) : 1;
  const replaced = repair.threshold === 'never' ? 0 : known / perRepair;
  const { sessions, lifetime } = churn;
  const cycles = sessions === undefined ? 0 : (nodes * time) / (sessions.online.mean + sessions.offline.mean);
  const tooLong = sessions === undefined ? 0 : cycles * shareLongerThan(repair.grace, sessions.offline);
  const departures = lifetime === undefined ? 0 : (nodes * time) / (lifetime.mean + repair.grace);
  const rotten = corruption.perShardYear * shards * (time / YEAR_MS);
  const returns = adversaries.map((group) => {
    if (group.returns === undefined) return 0;
    return (group.share * nodes * time) / (group.returns + audits.cycle / 2);
  });
  const hit = faults.reduce((sum, { value }) => sum + (value.share ?? (value.nodes?.length ?? nodes) / nodes), 0);
  const steps = new Map([
    ['files.stripes', files.stripes * known],
    ['samples', (samples * files.stripes) / TOUCHES_PER_STEP],
    ['audits.cycle', (nodes * time) / audits.cycle],
    ['churn.sessions', 2 * cycles * change + tooLong * held * replaced],
    ['churn.lifetime', departures * (change + held * replaced)],
    ['corruption.perShardYear', rotten * (2 + replaced)],
    ['adversaries', returns.reduce((sum, each) => sum + each, 0) * (change + held * replaced)],
    ['faults', hit * nodes * (change + held * replaced)],
  ]);
  // An end of a grace that was overtaken stays until its time.
  const graces = sessions === undefined ? 0 : cycles * Math.min(1, repair.grace / time);
  return { steps, pending: 3 * nodes + files.stripes + graces + Math.min(rotten, shards) };
}

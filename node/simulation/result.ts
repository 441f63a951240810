import { hash } from 'node:crypto';
import { binomialInterval, designEffect } from './interval.ts';
import { type Model, modelOf } from './model.ts';
import { LEAST_INTEGRITY } from './placer.ts';
import type { Series } from './recorder.ts';
import { type Bins, binned, quantile, type Samples } from './samples.ts';
import type { SimulationScenario } from './scenario-format.ts';
import type { Simulation } from './simulation.ts';
import { SHARD } from './stripe-table.ts';

/** How long things took; milliseconds, null when there was none. */
export interface Times {
  readonly count: number;
  readonly median: number | null;
  readonly p95: number | null;
  readonly histogram: Bins;
}

/** What came of a simulation; times in milliseconds, sizes in bytes. The same scenario and seed give the same. */
export interface SimulationResult {
  readonly about: string;
  readonly seed: number;
  readonly time: number;
  readonly nodes: number;
  readonly stripes: number;
  readonly code: { readonly k: number; readonly m: number };
  readonly storedBytes: number;
  readonly losses: {
    readonly stripes: number;
    readonly share: number;
    /** Of the share of stripes lost. */
    readonly lower: number;
    readonly upper: number;
    readonly first: number | null;
    readonly times: Bins;
  };
  /** Probability that a stripe outlives the simulated time. */
  readonly durability: {
    readonly value: number;
    readonly lower: number;
    readonly upper: number;
    readonly confidence: number;
    /** By which stripes on common nodes widen the interval. */
    readonly designEffect: number;
  };
  readonly model: Model;
  readonly unreadable: { readonly stripeHours: number; readonly share: number };
  readonly repair: {
    readonly repairs: number;
    readonly shards: number;
    readonly cancelled: number;
    readonly noSpace: number;
    readonly unguarded: number;
    readonly waiting: number;
    readonly bytes: number;
    readonly bytesPerStoredByte: number;
    readonly bytesPerStoredByteYear: number;
    readonly times: Times;
  };
  readonly detection: {
    /** Shards whose bytes were lost on a holder that stayed. */
    readonly spoiled: number;
    readonly byAudit: number;
    readonly byFetch: number;
    /** Given up with all that their holder had, unnoticed. */
    readonly withHolder: number;
    /** At the end still unknown. */
    readonly undetected: number;
    readonly times: Times;
  };
  readonly blame: {
    readonly honest: number;
    readonly adversaries: number;
    readonly honestDisqualified: number;
    /** Honest nodes that get no new shards at the end: too many declared losses. */
    readonly honestBarred: number;
    /** Disqualifications; who comes back may have several. */
    readonly adversariesDisqualified: number;
    /** Shards that adversaries hold at the end. */
    readonly adversaryShards: number;
  };
  readonly churn: { readonly departures: number; readonly joins: number; readonly meanOnline: number };
  readonly events: number;
  readonly series: Series;
  /** SHA-256 over all of the above, hex. */
  readonly hash: string;
}

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
const BINS = 40;

export function resultOf(scenario: SimulationScenario, simulation: Simulation): SimulationResult {
  const { table, tally, recorder, liveness } = simulation;
  const { files, time, confidence } = scenario;
  const { stripes, code } = files;
  const losses = table.lostCount;
  const effect = effectOf(simulation);
  const share = binomialInterval(losses, stripes, confidence, effect);
  const storedBytes = stripes * (code.k + code.m) * files.shardSize;
  const bytes = (tally.shardsFetched + tally.shardsPlaced) * files.shardSize;
  const lossTimes = tally.lossTimes.sorted();
  const { series } = recorder;
  const undetected = table.states.reduce((sum, state) => sum + Number(state === SHARD.bad), 0);
  const plain = {
    about: scenario.about,
    seed: scenario.seed,
    time,
    nodes: scenario.network.nodes,
    stripes,
    code,
    storedBytes,
    losses: {
      stripes: losses,
      share: losses / stripes,
      ...share,
      first: lossTimes[0] ?? null,
      times: binned(lossTimes, BINS),
    },
    durability: {
      value: 1 - losses / stripes,
      lower: 1 - share.upper,
      upper: 1 - share.lower,
      confidence,
      designEffect: effect,
    },
    model: modelOf(scenario, share),
    unreadable: {
      stripeHours: simulation.unreadableMs / HOUR_MS,
      share: simulation.unreadableMs / (time * stripes),
    },
    repair: {
      repairs: tally.repairs,
      shards: tally.shardsPlaced,
      cancelled: tally.cancelled,
      noSpace: tally.noSpace,
      unguarded: tally.unguarded,
      waiting: simulation.waiting,
      bytes,
      bytesPerStoredByte: bytes / storedBytes,
      bytesPerStoredByteYear: (bytes / storedBytes) * (YEAR_MS / time),
      times: timesOf(tally.repairTimes),
    },
    detection: {
      spoiled: tally.spoiled,
      byAudit: tally.foundByAudit,
      byFetch: tally.foundByFetch,
      withHolder: tally.spoiled - tally.foundByAudit - tally.foundByFetch - undetected,
      undetected,
      times: timesOf(tally.detectionTimes),
    },
    blame: blameOf(simulation),
    churn: {
      departures: liveness.departures,
      joins: liveness.joins,
      meanOnline: series.online.reduce((sum, online) => sum + online, 0) / series.online.length,
    },
    events: simulation.events,
    series,
  };
  return { ...plain, hash: hash('sha256', JSON.stringify(plain), 'hex') };
}

function timesOf(samples: Samples): Times {
  const sorted = samples.sorted();
  const [median, p95] = [quantile(sorted, 0.5), quantile(sorted, 0.95)];
  const { edges, counts } = binned(sorted, BINS);
  // Of a sample, as many as it stands for.
  const each = samples.count / Math.max(1, sorted.length);
  const histogram = { edges, counts: counts.map((count) => Math.round(count * each)) };
  return { count: samples.count, median, p95, histogram };
}

/** From the holders of the start, which do not depend on what was lost. */
function effectOf({ table, population, firstHolders }: Simulation): number {
  if (table.lostCount === 0) return 1;
  const held = new Float64Array(population.size);
  const lost = new Float64Array(population.size);
  for (const [slot, node] of firstHolders.entries()) {
    if (node >= population.size) continue;
    held[node] = (held[node] as number) + 1;
    if (table.lost[table.stripeOf(slot)] === 1) lost[node] = (lost[node] as number) + 1;
  }
  return designEffect(table.stripes, table.lostCount, held, lost);
}

function blameOf({ population, judging, table, tally }: Simulation): SimulationResult['blame'] {
  let honest = 0;
  let honestBarred = 0;
  let adversaryShards = 0;
  for (let node = 0; node < population.size; node++) {
    if (!population.isHonest(node)) {
      adversaryShards += table.heldCount(node);
      continue;
    }
    honest++;
    if (judging.integrityOf(node) < LEAST_INTEGRITY) honestBarred++;
  }
  return {
    honest,
    adversaries: population.size - honest,
    honestDisqualified: tally.disqualified.honest,
    honestBarred,
    adversariesDisqualified: tally.disqualified.adversary,
    adversaryShards,
  };
}

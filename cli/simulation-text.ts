import type { SimulationResult } from '../node/simulation/result.ts';
import { formatBytes, plural } from './format.ts';
import { table } from './output.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The result as a table of what it says, by subject. */
export function describeSimulation(name: string, result: SimulationResult): string {
  const { losses, durability, repair, detection, blame, churn, unreadable, model, code } = result;
  const confidence = `${durability.confidence * 100} %`;
  const rows: [string, string][] = [
    ['scenario', `${name}, seed ${result.seed}`],
    [
      'network',
      `${plural(result.nodes, 'node')}, ${plural(result.stripes, 'stripe')} of ${code.k}+${code.m}, ${formatBytes(result.storedBytes)}, ${result.time / DAY_MS} days`,
    ],
    ['nodes', `${churn.departures} left, ${churn.joins} joined, ${Math.round(churn.meanOnline)} online on average`],
    ['lost', lossText(result)],
    [
      'durability',
      `${percent(durability.value)}; with ${confidence} confidence from ${percent(durability.lower)} to ${percent(durability.upper)}`,
    ],
    ['unreadable', `${Math.round(unreadable.stripeHours)} stripe hours, of stripes that were not lost`],
    [
      'repair',
      `${plural(repair.repairs, 'repair')} of ${plural(repair.shards, 'shard')}, ${repair.cancelled} given up, ${repair.waiting} waiting at the end`,
    ],
    [
      'repair traffic',
      `${formatBytes(repair.bytes)}: ${repair.bytesPerStoredByte.toPrecision(3)} bytes per stored byte, ${repair.bytesPerStoredByteYear.toPrecision(3)} a year`,
    ],
    ['repair time', timesText(repair.times)],
    [
      'damage',
      `${plural(detection.spoiled, 'shard')} went bad in silence: ${detection.byAudit} found by audits, ${detection.byFetch} by repairers, ${detection.withHolder} gone with their holder, ${detection.undetected} unknown at the end`,
    ],
    ['detection', timesText(detection.times)],
    [
      'false blame',
      `${blame.honestDisqualified} of ${blame.honest} honest nodes disqualified, ${blame.honestBarred} without new shards`,
    ],
  ];
  if (blame.adversaries > 0) {
    rows.push([
      'adversaries',
      `${blame.adversaries}, disqualified ${blame.adversariesDisqualified} times, ${plural(blame.adversaryShards, 'shard')} at the end`,
    ]);
  }
  if (repair.unguarded > 0) rows.push(['unguarded', `${repair.unguarded} times no guardian would act`]);
  if (repair.noSpace > 0) rows.push(['no space', `${repair.noSpace} repairs found too few new holders`]);
  rows.push(
    [
      'model',
      model.applies
        ? `Markov: ${model.probability.toPrecision(4)} of the stripes, ${model.expectedLosses.toPrecision(4)}; ${model.agrees ? 'within' : 'OUTSIDE OF'} ${losses.lower.toPrecision(4)} to ${losses.upper.toPrecision(4)} of the simulation`
        : `no closed form: ${model.because.join(', ')}`,
    ],
    ['result', result.hash],
  );
  return table(rows);
}

function lossText({ losses }: SimulationResult): string {
  if (losses.first === null) return 'no stripe';
  return `${plural(losses.stripes, 'stripe')} (${percent(losses.share)}), the first on day ${Math.ceil(losses.first / DAY_MS)}`;
}

function timesText({ count, median, p95 }: SimulationResult['repair']['times']): string {
  if (count === 0) return '–';
  return `median ${duration(median)}, 95 % within ${duration(p95)}`;
}

function duration(ms: number | null): string {
  if (ms === null) return '–';
  return ms < 2 * DAY_MS ? `${(ms / HOUR_MS).toFixed(1)} h` : `${(ms / DAY_MS).toFixed(1)} d`;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(7))} %`;
}

import type { Chart, Fact, Report, Section } from '../report/report.ts';
import type { SimulationResult, Times } from './result.ts';
import type { Bins } from './samples.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const GIB = 1024 ** 3;

/** @param name of the scenario */
export function simulationReport(name: string, result: SimulationResult): Report {
  return {
    title: `Simulation: ${name}`,
    summary:
      `${result.about} ${result.nodes} nodes, ${result.stripes} stripes of ${result.code.k}+${result.code.m}, ${inDays(result.time)} days, seed ${result.seed}.`.trim(),
    facts: facts(result),
    sections: [stripes(result), repairs(result), damage(result), nodes(result), model(result)],
  };
}

function facts({ losses, durability, repair, detection, blame, unreadable, hash }: SimulationResult): Fact[] {
  const percent = `${durability.confidence * 100} %`;
  return [
    { label: 'stripes lost', value: String(losses.stripes), tone: losses.stripes === 0 ? 'good' : 'bad' },
    { label: 'durability', value: share(durability.value) },
    { label: `between (${percent})`, value: `${share(durability.lower)} and ${share(durability.upper)}` },
    { label: 'repair per stored byte and year', value: repair.bytesPerStoredByteYear.toPrecision(3) },
    { label: 'unreadable for a while', value: `${Math.round(unreadable.stripeHours)} stripe hours` },
    { label: 'damage found after (median)', value: hours(detection.times.median) },
    { label: 'damage found after (95 %)', value: hours(detection.times.p95) },
    {
      label: 'honest nodes disqualified',
      value: `${blame.honestDisqualified} of ${blame.honest}`,
      tone: blame.honestDisqualified === 0 ? 'good' : 'bad',
    },
    { label: 'result', value: hash.slice(0, 16) },
  ];
}

function stripes({ series, losses, time }: SimulationResult): Section {
  const xs = series.times.map(inDays);
  const layers = [
    { name: 'all shards there', tone: 'good', values: series.healthy },
    { name: 'holders away for a moment', tone: 'muted', values: series.suspected },
    { name: 'shards lost', tone: 'warning', values: series.degraded },
    { name: 'not readable now', values: series.unreadable },
    { name: 'lost', tone: 'bad', values: series.lost },
  ] as const;
  const lossesInTime: Chart = {
    kind: 'histogram',
    title: 'Losses',
    note: 'When stripes were lost for good.',
    x: { label: 'time', unit: 'days', from: 0, to: inDays(time) },
    y: { label: 'stripes' },
    ...scaled(losses.times, DAY_MS),
  };
  const health: Chart = {
    kind: 'areas',
    title: 'Health of the stripes',
    note: 'As the network sees them; the lost ones as it is.',
    x: { label: 'time', unit: 'days' },
    y: { label: 'stripes' },
    xs,
    layers,
  };
  return { heading: 'Stripes', charts: [health, lossesInTime] };
}

function repairs({ series, repair }: SimulationResult): Section {
  const line = (title: string, y: { label: string; unit?: string }, values: readonly number[]): Chart => ({
    kind: 'lines',
    title,
    x: { label: 'time', unit: 'days' },
    y,
    series: [{ name: title, points: points(series.times, values) }],
  });
  return {
    heading: 'Repair',
    text: `${repair.repairs} repairs of ${repair.shards} shards; ${repair.cancelled} were given up because holders came back or too few answered; ${repair.noSpace} found too few new holders; ${repair.unguarded} times no guardian would act.`,
    charts: [
      line('Stripes waiting for repair', { label: 'stripes' }, series.repairsWaiting),
      line(
        'Repair traffic',
        { label: 'moved', unit: 'GiB' },
        series.repairBytes.map((bytes) => bytes / GIB),
      ),
      durations('From the need to the end of a repair', 'repairs', repair.times),
    ],
  };
}

function damage({ detection }: SimulationResult): Section {
  return {
    heading: 'Silent damage',
    text: `${detection.spoiled} shards went bad on holders that stayed; ${detection.byAudit} were found by an audit, ${detection.byFetch} by a repairer that fetched them; ${detection.withHolder} went with a holder that left or was disqualified; ${detection.undetected} are still unknown.`,
    charts: [durations('From the damage to its detection', 'shards', detection.times)],
  };
}

function nodes({ series, blame, churn }: SimulationResult): Section {
  const scores = [
    { name: 'honest, median', tone: 'good', points: points(series.times, series.honestMedian) },
    { name: 'honest, lowest 5 %', tone: 'warning', points: points(series.times, series.honestLow) },
    { name: 'adversaries, median', tone: 'bad', points: points(series.times, series.adversaryMedian) },
  ] as const;
  return {
    heading: 'Nodes',
    text: `${churn.departures} departures, ${churn.joins} new nodes. ${blame.adversaries} adversaries were disqualified ${blame.adversariesDisqualified} times and hold ${blame.adversaryShards} shards at the end; ${blame.honestDisqualified} honest nodes were disqualified, ${blame.honestBarred} get no new shards for losses they declared.`,
    charts: [
      {
        kind: 'lines',
        title: 'Nodes online',
        x: { label: 'time', unit: 'days' },
        y: { label: 'nodes' },
        series: [{ name: 'online', points: points(series.times, series.online) }],
      },
      {
        kind: 'lines',
        title: 'Reputation',
        note: 'Integrity × availability, as one auditor sees it.',
        x: { label: 'time', unit: 'days' },
        y: { label: 'score', from: 0, to: 1 },
        series: scores.filter((line) => line.points.length > 0),
      },
    ],
  };
}

function model({ model: told, losses }: SimulationResult): Section {
  const text = told.applies
    ? `The Markov model expects ${told.expectedLosses.toPrecision(4)} losses; ${losses.stripes} were simulated. Its probability ${told.probability.toPrecision(4)} lies ${told.agrees ? 'within' : 'outside of'} the interval of the simulation, ${losses.lower.toPrecision(4)} to ${losses.upper.toPrecision(4)}.`
    : `The Markov model knows nothing of: ${told.because.join(', ')}.`;
  return { heading: 'Closed form', text };
}

function durations(title: string, what: string, { histogram, median, p95 }: Times): Chart {
  const moments = [
    { label: 'median', at: median },
    { label: '95 %', at: p95 },
  ].flatMap(({ label, at }) => (at === null ? [] : [{ label, at: at / HOUR_MS }]));
  return {
    kind: 'histogram',
    title,
    x: { label: 'time', unit: 'hours', from: 0 },
    y: { label: what },
    ...scaled(histogram, HOUR_MS),
    moments,
  };
}

function scaled({ edges, counts }: Bins, unit: number): Bins {
  return { edges: edges.map((edge) => edge / unit), counts };
}

function points(times: readonly number[], values: readonly number[]): (readonly [number, number])[] {
  return values.map((value, i) => [inDays(times[i] as number), value] as const);
}

function inDays(ms: number): number {
  return ms / DAY_MS;
}

function hours(ms: number | null): string {
  return ms === null ? '–' : `${(ms / HOUR_MS).toFixed(1)} h`;
}

/** Shares near 1 differ only far behind the point: `0.99999` to `99.999 %`. */
function share(value: number): string {
  const digits = value > 0 && value < 1 ? Math.min(8, Math.max(1, Math.ceil(-Math.log10(1 - value)) - 1)) : 1;
  return `${(value * 100).toFixed(digits)} %`;
}

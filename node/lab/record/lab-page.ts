import type { Chart, Fact, Report } from '../../report/report.ts';
import { type LabReport, type LabSample, PURPOSES } from './lab-report.ts';

const SECONDS = { label: 'time', unit: 's' } as const;
const MIB = 1024 * 1024;
/** Lines beyond this cannot be told apart. */
const MAX_LINES = 40;
/** Moments beyond this hide the chart. */
const MAX_MOMENTS = 12;

/** The report of a lab as a page to read. */
export function labPage(report: LabReport): Report {
  const { name, nodes, samples, steps, checks, seconds } = report;
  const failed = checks.filter(({ ok }) => !ok).length;
  return {
    title: `Lab: ${name}`,
    summary: summaryOf(report, failed),
    facts: [
      ...checks.map(
        ({ name: label, ok }): Fact => ({ label, value: ok ? 'held' : 'failed', tone: ok ? 'good' : 'bad' }),
      ),
      { label: 'nodes', value: String(nodes.length) },
      { label: 'files', value: String(report.files) },
      { label: 'time', value: `${Math.round(seconds)} s` },
      ...(report.seed === undefined ? [] : [{ label: 'seed', value: String(report.seed) }]),
    ],
    sections: [
      { heading: 'Health', charts: [healthChart(report), runningChart(report)] },
      { heading: 'Reputation', charts: [reputationChart(report)] },
      { heading: 'Audits', charts: [auditChart(samples)] },
      { heading: 'Repairs', charts: [repairChart(report)] },
      { heading: 'Traffic', charts: [trafficChart(samples)] },
      {
        heading: 'What happened',
        tables: [
          ...(checks.length === 0
            ? []
            : [
                {
                  caption: 'Checks at the end',
                  head: ['check', 'result', 'detail'],
                  rows: checks.map(({ name: check, ok, detail }) => [check, ok ? 'held' : 'failed', detail]),
                },
              ]),
          { caption: 'Steps', head: ['second', 'step'], rows: steps.map(({ at, text }) => [at.toFixed(1), text]) },
          {
            caption: 'Nodes at the end',
            head: ['node', 'peer', 'state', 'honest', 'shards', 'score', 'disqualified by'],
            rows: nodes.map((node) => [
              String(node.number),
              node.peer,
              node.state,
              node.dishonest ? 'no' : 'yes',
              node.shards === null ? '–' : String(node.shards),
              node.score === null ? '–' : node.score.toFixed(3),
              String(node.disqualifiedBy),
            ]),
          },
        ],
      },
    ],
  };
}

function summaryOf({ nodes, checks, processes }: LabReport, failed: number): string {
  const what = `${nodes.length} nodes on real sockets${processes ? ', each in a process of its own' : ''}`;
  if (checks.length === 0) return `${what}.`;
  return failed === 0 ? `${what}: every check held.` : `${what}: ${failed} of ${checks.length} checks failed.`;
}

function momentsOf({ steps }: LabReport) {
  return steps.slice(0, MAX_MOMENTS).map(({ at, text }) => ({ at, label: shortened(text) }));
}

function shortened(text: string): string {
  return text.length <= 28 ? text : `${text.slice(0, 27)}…`;
}

function healthChart(report: LabReport): Chart {
  const { samples } = report;
  const of = (kind: keyof LabSample['stripes']) => samples.map(({ stripes }) => stripes[kind]);
  return {
    kind: 'areas',
    title: 'Stripes by health',
    note: 'As the node that added each file sees it, or another one while that does not run.',
    x: SECONDS,
    y: { label: 'stripes' },
    xs: ascending(samples),
    layers: [
      { name: 'healthy', tone: 'good', values: of('healthy') },
      { name: 'degraded', tone: 'warning', values: of('degraded') },
      { name: 'lost', tone: 'bad', values: of('lost') },
    ],
    moments: momentsOf(report),
  };
}

function runningChart({ samples }: LabReport): Chart {
  return {
    kind: 'lines',
    title: 'Nodes that run',
    x: SECONDS,
    y: { label: 'nodes' },
    series: [{ name: 'running', points: samples.map(({ at, running }) => [at, running]) }],
  };
}

function reputationChart(report: LabReport): Chart {
  const { nodes, samples } = report;
  const shown = nodes
    .toSorted((a, b) => Number(b.dishonest) - Number(a.dishonest) || (a.score ?? 1) - (b.score ?? 1))
    .slice(0, MAX_LINES);
  const left = nodes.length - shown.length;
  return {
    kind: 'lines',
    title: 'Reputation of each node',
    note: `Mean of the scores that the others give it; red: it lied or flooded on order.${left > 0 ? ` The best ${left} are left out.` : ''}`,
    x: SECONDS,
    y: { label: 'score', to: 1 },
    series: shown.map(({ number, dishonest }) => ({
      name: `node ${number}`,
      tone: dishonest ? ('bad' as const) : ('good' as const),
      points: samples.flatMap(({ at, scores }): [number, number][] => {
        const score = scores[number - 1];
        return score === null || score === undefined ? [] : [[at, score]];
      }),
    })),
    moments: momentsOf(report),
  };
}

/** How outcomes are to be taken. */
const TONES: Readonly<Record<string, 'good' | 'bad' | 'warning'>> = {
  passed: 'good',
  'invalid-proof': 'bad',
  'declared-lost': 'warning',
  'not-held': 'warning',
};

function auditChart(samples: readonly LabSample[]): Chart {
  const outcomes = [...new Set(samples.flatMap(({ audits }) => Object.keys(audits)))].sort(byGravity);
  return {
    kind: 'areas',
    title: 'Audits by outcome, added up',
    x: SECONDS,
    y: { label: 'audits' },
    xs: ascending(samples),
    layers: outcomes.map((name) => ({
      name,
      ...(TONES[name] === undefined ? {} : { tone: TONES[name] }),
      values: samples.map(({ audits }) => audits[name] ?? 0),
    })),
  };
}

/** Those that pass at the bottom. */
function byGravity(a: string, b: string): number {
  return Number(b === 'passed') - Number(a === 'passed') || a.localeCompare(b);
}

function repairChart(report: LabReport): Chart {
  const { samples } = report;
  const of = (kind: keyof LabSample['repairs']) =>
    samples.map(({ at, repairs }): [number, number] => [at, repairs[kind]]);
  return {
    kind: 'lines',
    title: 'Repairs, added up',
    note: 'Shards that new holders signed for, and repairs of segments that were done or came to nothing.',
    x: SECONDS,
    y: { label: 'count' },
    series: [
      { name: 'shards placed', points: of('placed') },
      { name: 'repairs done', tone: 'good', points: of('done') },
      { name: 'repairs that came to nothing', tone: 'bad', points: of('failed') },
    ],
    moments: momentsOf(report),
  };
}

function trafficChart(samples: readonly LabSample[]): Chart {
  return {
    kind: 'areas',
    title: 'Bytes sent by purpose, added up',
    x: SECONDS,
    y: { label: 'sent', unit: 'MiB' },
    xs: ascending(samples),
    layers: PURPOSES.map((name) => ({ name, values: samples.map(({ traffic }) => traffic[name] / MIB) })),
  };
}

/** Moments of samples, each later than the one before. */
function ascending(samples: readonly LabSample[]): number[] {
  let last = Number.NEGATIVE_INFINITY;
  return samples.map(({ at }) => {
    last = at > last ? at : last + 0.001;
    return last;
  });
}

import { type Machine, machineLine } from '../../node/bench/machine.ts';
import {
  type BenchReport,
  type BenchResult,
  figure,
  MEMORY_LIMIT_BYTES,
  mebibytes,
  shortcomings,
} from '../../node/bench/results.ts';
import { CASE_GROUPS } from './cases.ts';
import type { PeersReport } from './peers-report.ts';

/** What the page is written from; a run of each kind at most. */
export interface PageSources {
  readonly standard: BenchReport;
  readonly long?: BenchReport;
  readonly peers?: PeersReport;
}

/** `docs/performance.md`, the same text for the same runs. */
export function performancePage({ standard, long, peers }: PageSources): string {
  const sections = [
    introduction(standard),
    ...groups(standard),
    ...(long === undefined ? [] : longRun(long)),
    memory([
      ...standard.results,
      ...(long?.results ?? []).map((result) => ({ ...result, name: `${result.name}, long` })),
    ]),
    verdict(standard, long),
    ...(peers === undefined ? [] : [comparison(peers)]),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function introduction({ machine, date }: BenchReport): string {
  return [
    '# Performance',
    '',
    '<!-- Written by scripts/write-performance.ts from a run: do not edit. -->',
    '',
    'Every figure stands beside what bounds it, measured in the same run and in turn, so that a busy machine slows both. A',
    'bound is either a library or a system alone, in a bare loop that imports nothing of Holdfast, or a goal that was set',
    'beforehand. _Ratio_ is how close the figure comes to its bound, more is better: 1 is the bound itself, 4 is four times as',
    'fast. Value and bound are those of the round with the median ratio. MB are millions of bytes.',
    '',
    `Measured ${measuredOn(machine, date)}. Measure your own:`,
    '',
    '```sh',
    'holdfast bench              # in a clone: npm run -s bench',
    'holdfast bench get --json   # one case, one JSON object',
    'holdfast bench --long       # with files of 1 GiB',
    '```',
    '',
    'The page itself:',
    '',
    '```sh',
    'npm run -s bench -- --json > bench.json',
    'npm run -s bench -- --long --json add add.all-shards add.delegated get > long.json',
    '(cd test/bench/peers && npm ci && npm run -s start) > peers.json',
    'npx node scripts/write-performance.ts bench.json long.json peers.json',
    '```',
  ].join('\n');
}

const measuredOn = (machine: Machine, date: string): string => `on ${date.slice(0, 10)}: ${machineLine(machine)}`;

function groups({ results }: BenchReport): string[] {
  const known = new Set(CASE_GROUPS.flatMap(({ cases }) => Object.keys(cases)));
  const others = results.filter(({ name }) => !known.has(name));
  return [
    ...CASE_GROUPS.map(({ title, cases }) =>
      figures(
        title,
        Object.keys(cases).flatMap((name) => results.filter((result) => result.name === name)),
        cases,
      ),
    ),
    figures('Others', others, {}),
  ];
}

function longRun({ machine, date, results }: BenchReport): string[] {
  const cases = Object.assign({}, ...CASE_GROUPS.map((group) => group.cases)) as Record<string, string>;
  return [figures('Files of 1 GiB', results, cases), `Measured ${measuredOn(machine, date)}.`];
}

function figures(title: string, results: readonly BenchResult[], cases: Readonly<Record<string, string>>): string {
  if (results.length === 0) return '';
  const rows = results.map(({ name, unit, value, bound, ratio, target, boundedBy }) => [
    `\`${name}\``,
    cases[name] ?? '',
    `${figure(value)} ${unit}`,
    `${figure(bound)} ${unit}`,
    boundedBy,
    ratio.toFixed(2),
    target === null ? '–' : target.toFixed(2),
  ]);
  const headings = ['case', 'what', 'figure', 'bound', 'bounded by', 'ratio', 'target'];
  return `## ${title}\n\n${table(headings, rows)}`;
}

function memory(results: readonly BenchResult[]): string {
  const rows = results.flatMap(({ name, memory: each = [] }) =>
    each.map(({ process, bytes }) => [`\`${name}\``, process, mebibytes(bytes)]),
  );
  if (rows.length === 0) return '';
  return [
    '## Memory',
    '',
    'The most anonymous memory (`RssAnon`) of each process meanwhile. A process of holders is four nodes.',
    `Limit: ${mebibytes(MEMORY_LIMIT_BYTES)} MiB each.`,
    '',
    table(['case', 'process', 'MiB'], rows),
  ].join('\n');
}

function verdict(standard: BenchReport, long: BenchReport | undefined): string {
  const said = (report: BenchReport, prefix: string) => [
    ...shortcomings(report).map((line) => `- ${prefix}${line}`),
    ...report.skipped.map(({ name, skipped }) => `- ${prefix}not measured: ${name} (${skipped})`),
  ];
  const lines = [...said(standard, ''), ...(long === undefined ? [] : said(long, '1 GiB: '))];
  return ['## Targets', '', ...(lines.length === 0 ? ['Every target was reached.'] : lines)].join('\n');
}

function comparison({ machine, date, fileBytes, rounds, systems }: PeersReport): string {
  const rows = systems.map((system) => [
    `${system.name} ${system.version}`,
    figure(system.addMegabytesPerSecond),
    figure(system.getMegabytesPerSecond),
    figure(system.addCpuSecondsPerGib),
    figure(system.getCpuSecondsPerGib),
    Math.max(0, ...system.memory.map(({ bytes }) => bytes / 2 ** 20)).toFixed(0),
    system.what,
  ]);
  return [
    '## Beside other systems',
    '',
    `The same files of ${mebibytes(fileBytes)} MiB of random data, added by one process and fetched into a file by another over`,
    `TCP on the loopback interface, in turn; medians of ${rounds}. The processor time is that of the adding, or fetching,`,
    'process alone.',
    '',
    table(
      ['system', 'add MB/s', 'get MB/s', 'add CPU s/GiB', 'get CPU s/GiB', 'MiB at most', 'what add and get do'],
      rows,
    ),
    '',
    'This compares what a user waits for, not like with like. The other two encrypt nothing at rest, compute no proofs, and',
    'keep the only copy where it was added: their `add` sends nothing, and the loss of that one machine is the loss of the file.',
    'Holdfast sends 1.5 times the file to 24 holders and waits until each has it on disk and has signed for it; what it fetches',
    'it checks and decrypts, and it keeps no copy, while the other two also keep what they fetched.',
    '',
    `Measured ${measuredOn(machine, date)}.`,
  ].join('\n');
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n');
}

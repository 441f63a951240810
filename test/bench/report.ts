import type { BenchReport, BenchResult } from './harness.ts';

const HEADINGS = ['name', 'value', 'bound', 'unit', 'ratio', 'target', 'bounded by'];

const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

function row({ name, unit, boundedBy, value, bound, ratio, target }: BenchResult): string[] {
  return [
    name,
    figure(value),
    figure(bound),
    unit,
    ratio.toFixed(2),
    target === null ? '–' : target.toFixed(2),
    boundedBy,
  ];
}

export const missed = (results: readonly BenchResult[]): readonly BenchResult[] =>
  results.filter(({ ratio, target }) => target !== null && ratio < target);

/** The report for people: the machine, a table, and last what is below its target. */
export function formatReport({ machine, results }: BenchReport): string {
  const rows = [HEADINGS, ...results.map(row)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const table = rows.map((cells) =>
    cells
      .map((cell, column) => align(cell, widths[column] ?? 0, column))
      .join('  ')
      .trimEnd(),
  );
  const memory = (machine.memoryBytes / 2 ** 30).toFixed(0);
  const below = missed(results).map(
    ({ name, ratio, target }) =>
      `below target: ${name} at ${ratio.toFixed(2)} of its bound, to reach ${target?.toFixed(2)}`,
  );
  return [
    `${machine.cpu}, ${machine.cores} cores, ${memory} GiB, ${machine.platform}, Node ${machine.node}`,
    '',
    ...table,
    '',
    ...(below.length > 0 ? below : ['every target reached']),
  ].join('\n');
}

const align = (cell: string, width: number, column: number): string =>
  column === 0 || column === HEADINGS.length - 1 ? cell.padEnd(width) : cell.padStart(width);

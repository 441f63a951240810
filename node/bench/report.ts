import { machineLine } from './machine.ts';
import { type BenchReport, type BenchResult, figure, MEMORY_LIMIT_BYTES, mebibytes, shortcomings } from './results.ts';

const HEADINGS = ['name', 'value', 'bound', 'unit', 'ratio', 'target', 'bounded by'];

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

/** The report for people: the machine, a table, the memory of the processes, and last what is below its target or above the limit. */
export function formatReport({ machine, results, skipped }: BenchReport): string {
  const rows = [HEADINGS, ...results.map(row)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const table = rows.map((cells) =>
    cells
      .map((cell, column) => align(cell, widths[column] ?? 0, column))
      .join('  ')
      .trimEnd(),
  );
  const missing = shortcomings({ results });
  return [
    machineLine(machine),
    '',
    ...table,
    '',
    ...results.flatMap(memoryLine),
    ...skipped.map(({ name, skipped: reason }) => `not measured: ${name} (${reason})`),
    ...(missing.length > 0 ? missing : ['every target reached']),
  ].join('\n');
}

function memoryLine({ name, memory }: BenchResult): string[] {
  if (memory === undefined) return [];
  const each = memory.map(({ process, bytes }) => `${process} ${mebibytes(bytes)}`).join(', ');
  return [`anonymous memory in ${name}, MiB at most (limit ${mebibytes(MEMORY_LIMIT_BYTES)}): ${each}`];
}

const align = (cell: string, width: number, column: number): string =>
  column === 0 || column === HEADINGS.length - 1 ? cell.padEnd(width) : cell.padStart(width);

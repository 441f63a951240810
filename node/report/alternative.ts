import { titled } from './plot.ts';
import type { Chart, Table } from './report.ts';
import { fullNumber } from './scale.ts';

/** Rows beyond which evenly chosen ones are shown: the table is there to be read. */
const MAX_ROWS = 200;

/** The numbers of a chart as a table, for who cannot see it and for who wants to copy them. */
export function tableOf(chart: Chart): Table {
  const { head, rows } = content(chart);
  const step = Math.max(1, Math.ceil(rows.length / MAX_ROWS));
  const shown = step === 1 ? rows : rows.filter((_, i) => i % step === 0 || i === rows.length - 1);
  const thinned = step === 1 ? '' : ` (one row in ${step})`;
  return { caption: `${chart.title}${thinned}`, head, rows: shown };
}

function content(chart: Chart): { head: string[]; rows: string[][] } {
  switch (chart.kind) {
    case 'lines': {
      const columns = chart.series.map(({ points }) => new Map(points));
      const xs = [...new Set(columns.flatMap((column) => [...column.keys()]))].sort((a, b) => a - b);
      const head = [titled(chart.x), ...chart.series.map(({ name }) => name)];
      return { head, rows: xs.map((x) => [fullNumber(x), ...columns.map((column) => cell(column.get(x)))]) };
    }
    case 'areas':
      return {
        head: [titled(chart.x), ...chart.layers.map(({ name }) => name)],
        rows: chart.xs.map((x, i) => [fullNumber(x), ...chart.layers.map(({ values }) => cell(values[i]))]),
      };
    case 'bars':
      return {
        head: [titled(chart.value), ...chart.series.map(({ name }) => name)],
        rows: chart.categories.map((name, i) => [name, ...chart.series.map(({ values }) => cell(values[i]))]),
      };
    case 'histogram':
      return {
        head: [`${titled(chart.x)} from`, 'to', titled(chart.y)],
        rows: chart.counts.map((count, i) => [cell(chart.edges[i]), cell(chart.edges[i + 1]), fullNumber(count)]),
      };
    case 'heat-map':
      return {
        head: [titled(chart.scale), ...chart.columns],
        rows: chart.rows.map((name, i) => [name, ...(chart.values[i] ?? []).map(cell)]),
      };
  }
}

function cell(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : fullNumber(value);
}

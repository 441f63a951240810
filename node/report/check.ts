import type { Chart } from './report.ts';

/** A page must stay one that a browser opens at once. */
const MAX_VALUES = 20_000;
const MAX_SERIES = 64;
const MAX_CATEGORIES = 512;

/**
 * Refuses what cannot be drawn truthfully, before anything is drawn.
 * @throws RangeError that names the chart: a number that is not finite, lists that do not fit each other, too many values
 */
export function checkChart(chart: Chart): void {
  const fail = (what: string): never => {
    throw new RangeError(`chart "${chart.title}": ${what}`);
  };
  const series = seriesOf(chart);
  if (series.length > MAX_SERIES) fail(`${series.length} series, at most ${MAX_SERIES}`);
  if (series.reduce((sum, { values }) => sum + values.length, 0) > MAX_VALUES) fail(`more than ${MAX_VALUES} values`);
  for (const { name, values } of series) {
    const bad = values.find((value) => !Number.isFinite(value));
    if (bad !== undefined) fail(`${bad} in "${name}" is not a finite number`);
  }
  const [lists, length] = lengthsOf(chart);
  for (const { name, values } of lists) {
    if (values.length !== length) fail(`"${name}" has ${values.length} values where ${length} are expected`);
  }
  if (chart.kind === 'bars' && length > MAX_CATEGORIES) fail(`more than ${MAX_CATEGORIES} categories`);
  if (chart.kind === 'areas' || chart.kind === 'bars') {
    const negative = lists.find(({ values }) => values.some((value) => (value ?? 0) < 0));
    if (negative !== undefined) fail(`"${negative.name}" has values below 0`);
  }
  const ascending = chart.kind === 'areas' ? chart.xs : chart.kind === 'histogram' ? chart.edges : [];
  if (ascending.some((x, i) => i > 0 && x <= (ascending[i - 1] as number))) fail('its positions do not ascend');
}

interface Named<V> {
  readonly name: string;
  readonly values: readonly V[];
}

function seriesOf(chart: Chart): readonly Named<number>[] {
  const marks = [
    ...(chart.kind === 'lines' ? (chart.thresholds ?? []) : []),
    ...('moments' in chart ? (chart.moments ?? []) : []),
  ].map(({ label, at }) => ({ name: label, values: [at] }));
  switch (chart.kind) {
    case 'lines':
      return [...chart.series.map(({ name, points }) => ({ name, values: points.flat() })), ...marks];
    case 'areas':
      return [...chart.layers, { name: chart.x.label, values: chart.xs }, ...marks];
    case 'bars':
      return chart.series;
    case 'histogram':
      return [{ name: chart.y.label, values: chart.counts }, { name: chart.x.label, values: chart.edges }, ...marks];
    case 'heat-map':
      return [{ name: chart.scale.label, values: chart.values.flat().filter((value) => value !== null) }];
  }
}

/** Lists that must have the same length, and that length. */
function lengthsOf(chart: Chart): [lists: readonly Named<number | null>[], length: number] {
  switch (chart.kind) {
    case 'lines':
      return [[], 0];
    case 'areas':
      return [chart.layers, chart.xs.length];
    case 'bars':
      return [chart.series, chart.categories.length];
    case 'histogram':
      return [[{ name: chart.y.label, values: chart.counts }], Math.max(0, chart.edges.length - 1)];
    case 'heat-map': {
      const rows = chart.values.map((values, i) => ({ name: chart.rows[i] ?? `row ${i}`, values }));
      if (rows.length !== chart.rows.length) return [[{ name: 'rows', values: rows.map(() => 0) }], chart.rows.length];
      return [rows, chart.columns.length];
    }
  }
}

import { tableOf } from './alternative.ts';
import { drawAreas } from './area-chart.ts';
import { drawBars } from './bar-chart.ts';
import { checkChart } from './check.ts';
import { drawHeatMap } from './heat-map.ts';
import { drawHistogram } from './histogram.ts';
import { drawLines } from './line-chart.ts';
import { element, join, type Markup } from './markup.ts';
import { hueOf } from './plot.ts';
import type { Chart, Table, Tone } from './report.ts';

/** A chart with its title, legend and text alternative. @throws RangeError when it cannot be drawn truthfully */
export function figure(chart: Chart): Markup {
  checkChart(chart);
  const title = element('strong', {}, chart.title);
  const note = chart.note === undefined ? undefined : element('span', { class: 'note' }, chart.note);
  const numbers = element('details', {}, element('summary', {}, 'Numbers'), table(tableOf(chart)));
  const hint = isEmpty(chart) ? element('p', { class: 'empty' }, 'Nothing was recorded.') : undefined;
  return element('figure', {}, element('figcaption', {}, title, note), legend(chart), draw(chart), hint, numbers);
}

function draw(chart: Chart): Markup {
  switch (chart.kind) {
    case 'lines':
      return drawLines(chart);
    case 'areas':
      return drawAreas(chart);
    case 'bars':
      return drawBars(chart);
    case 'histogram':
      return drawHistogram(chart);
    case 'heat-map':
      return drawHeatMap(chart);
  }
}

function seriesOf(chart: Chart): readonly { readonly name: string; readonly tone?: Tone }[] {
  if (chart.kind === 'areas') return chart.layers;
  return chart.kind === 'lines' || chart.kind === 'bars' ? chart.series : [];
}

function isEmpty(chart: Chart): boolean {
  switch (chart.kind) {
    case 'lines':
      return chart.series.every(({ points }) => points.length === 0);
    case 'areas':
      return chart.xs.length === 0 || chart.layers.length === 0;
    case 'bars':
      return chart.categories.length === 0 || chart.series.length === 0;
    case 'histogram':
      return chart.counts.length === 0;
    case 'heat-map':
      return chart.values.every((row) => row.length === 0);
  }
}

/** One series needs no legend: the title says what it is. */
function legend(chart: Chart): Markup | undefined {
  const series = seriesOf(chart);
  if (series.length < 2) return undefined;
  const entries = series.map(({ name, tone }, i) =>
    element('li', {}, element('span', { class: `swatch ${hueOf(i, tone)}` }), name),
  );
  return element('ul', { class: 'legend' }, ...entries);
}

export function table({ caption, head, rows }: Table): Markup {
  const heads = head.map((name) => element('th', { scope: 'col' }, name));
  const body = rows.map((cells) =>
    element(
      'tr',
      {},
      ...cells.map((cell, i) => (i === 0 ? element('th', { scope: 'row' }, cell) : element('td', {}, cell))),
    ),
  );
  return element(
    'div',
    { class: 'table', tabindex: 0, role: 'region', 'aria-label': caption },
    element(
      'table',
      {},
      element('caption', {}, caption),
      element('thead', {}, element('tr', {}, ...heads)),
      element('tbody', {}, join(body)),
    ),
  );
}

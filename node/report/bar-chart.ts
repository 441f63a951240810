import { element, type Markup } from './markup.ts';
import { drawing, hueOf, label, PLOT, tip, titled } from './plot.ts';
import type { BarChart } from './report.ts';
import { fullNumber, linearScale, type Scale, shortNumber } from './scale.ts';

const LABEL_WIDTH = 180;
/** About what the width above takes. */
const LABEL_LENGTH = 26;
const BAR = 14;
const GAP = 8;
const BELOW = 46;

export function drawBars(chart: BarChart): Markup {
  const { categories, series, stacked = false } = chart;
  const rowHeight = BAR * (stacked ? 1 : Math.max(1, series.length)) + GAP;
  const bottom = PLOT.top + Math.max(1, categories.length) * rowHeight;
  const totals = stacked
    ? categories.map((_, row) => series.reduce((sum, { values }) => sum + (values[row] as number), 0))
    : series.flatMap(({ values }) => values);
  const places = [LABEL_WIDTH, PLOT.right - 40] as const;
  const scale = linearScale(totals, { from: 0, ...chart.value }, places, { wanted: 5, rounded: true });
  return drawing(
    chart.title,
    chart.note ?? '',
    bottom + BELOW,
    ...valueAxis(chart, scale, bottom),
    ...categories.map((name, row) => category(name, PLOT.top + row * rowHeight + rowHeight / 2)),
    ...(stacked ? stackedBars(chart, scale, rowHeight) : groupedBars(chart, scale, rowHeight)),
  );
}

function valueAxis({ value }: BarChart, scale: Scale, bottom: number): Markup[] {
  return [
    ...scale.ticks.flatMap((tick) => {
      const x = scale.at(tick);
      return [
        element('line', { class: 'grid', x1: x, x2: x, y1: PLOT.top, y2: bottom }),
        element('text', { class: 'tick', x, y: bottom + 16, 'text-anchor': 'middle' }, shortNumber(tick)),
      ];
    }),
    element('line', { class: 'axis', x1: LABEL_WIDTH, x2: LABEL_WIDTH, y1: PLOT.top, y2: bottom }),
    label((LABEL_WIDTH + PLOT.right) / 2, bottom + 36, titled(value)),
  ];
}

function category(name: string, y: number): Markup {
  const shown = [...name].length > LABEL_LENGTH ? `${[...name].slice(0, LABEL_LENGTH - 1).join('')}…` : name;
  const place = { class: 'tick', x: LABEL_WIDTH - 8, y: y + 4, 'text-anchor': 'end' };
  return element('text', place, shown, shown === name ? undefined : tip(name));
}

function groupedBars({ categories, series }: BarChart, scale: Scale, rowHeight: number): Markup[] {
  return series.flatMap(({ name, tone, values }, i) =>
    categories.map((row, j) => {
      const y = PLOT.top + j * rowHeight + GAP / 2 + i * BAR;
      return bar({ hue: hueOf(i, tone), from: 0, to: values[j] as number, y, scale, text: `${row}, ${name}` });
    }),
  );
}

function stackedBars({ categories, series }: BarChart, scale: Scale, rowHeight: number): Markup[] {
  const reached = categories.map(() => 0);
  return series.flatMap(({ name, tone, values }, i) =>
    categories.map((row, j) => {
      const from = reached[j] as number;
      const to = from + (values[j] as number);
      reached[j] = to;
      const y = PLOT.top + j * rowHeight + GAP / 2;
      return bar({ hue: hueOf(i, tone), from, to, y, scale, text: `${row}, ${name}` });
    }),
  );
}

interface Bar {
  readonly hue: string;
  readonly from: number;
  readonly to: number;
  readonly y: number;
  readonly scale: Scale;
  readonly text: string;
}

function bar({ hue, from, to, y, scale, text }: Bar): Markup {
  const x = scale.at(from);
  const place = { x, y, width: Math.max(0, scale.at(to) - x), height: BAR - 2 };
  return element('rect', { class: `bar ${hue}`, ...place }, tip(`${text}: ${fullNumber(to - from)}`));
}

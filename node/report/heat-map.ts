import { element, type Markup } from './markup.ts';
import { drawing, label, PLOT, sideLabel, tip, titled } from './plot.ts';
import type { HeatMap } from './report.ts';
import { fullNumber, linearScale, shortNumber } from './scale.ts';

const LEFT = 120;
const MAX_ROW_HEIGHT = 22;
const MIN_ROW_HEIGHT = 6;
const MAP_HEIGHT = 240;
const BELOW = 92;
const MAX_ROW_NAMES = 24;
const MAX_COLUMN_NAMES = 12;
const NAME_LENGTH = 14;
/** The palest cell can still be told from the page. */
const PALEST = 0.06;
const LEGEND_STEPS = 6;

export function drawHeatMap(chart: HeatMap): Markup {
  const { columns, rows, values, scale } = chart;
  const height = Math.min(MAX_ROW_HEIGHT, Math.max(MIN_ROW_HEIGHT, MAP_HEIGHT / Math.max(1, rows.length)));
  const width = (PLOT.right - LEFT) / Math.max(1, columns.length);
  const bottom = PLOT.top + Math.max(1, rows.length) * height;
  const known = values.flat().filter((value) => value !== null);
  const strength = linearScale(known, scale, [PALEST, 1], { wanted: 4, rounded: false });
  const cells = values.flatMap((row, i) =>
    row.map((value, j) => {
      const place = { x: LEFT + j * width, y: PLOT.top + i * height, width: width + 0.2, height: height + 0.2 };
      const name = `${rows[i]}, ${columns[j]}`;
      if (value === null) return element('rect', { class: 'cell none', ...place }, tip(`${name}: nothing known`));
      const opacity = { 'fill-opacity': strength.at(value) };
      return element('rect', { class: 'cell', ...place, ...opacity }, tip(`${name}: ${fullNumber(value)}`));
    }),
  );
  return drawing(
    chart.title,
    chart.note ?? '',
    bottom + BELOW,
    ...cells,
    ...every(rows, MAX_ROW_NAMES).map(([name, i]) =>
      element(
        'text',
        { class: 'tick', x: LEFT - 6, y: PLOT.top + (i + 0.5) * height + 4, 'text-anchor': 'end' },
        shortened(name),
      ),
    ),
    ...every(columns, MAX_COLUMN_NAMES).map(([name, i]) =>
      element(
        'text',
        { class: 'tick', x: LEFT + (i + 0.5) * width, y: bottom + 16, 'text-anchor': 'middle' },
        shortened(name),
      ),
    ),
    label((LEFT + PLOT.right) / 2, bottom + 36, titled(chart.x)),
    sideLabel(titled(chart.y), (PLOT.top + bottom) / 2),
    ...legend(titled(scale), strength, bottom + 52),
  );
}

function legend(text: string, strength: { from: number; to: number; at(value: number): number }, y: number): Markup[] {
  const steps = Array.from({ length: LEGEND_STEPS }, (_, i) => i / (LEGEND_STEPS - 1));
  const end = LEFT + LEGEND_STEPS * 20;
  return [
    ...steps.map((share, i) => {
      const opacity = strength.at(strength.from + share * (strength.to - strength.from));
      return element('rect', { class: 'cell', x: LEFT + i * 20, y, width: 20, height: 12, 'fill-opacity': opacity });
    }),
    element('text', { class: 'tick', x: LEFT - 6, y: y + 10, 'text-anchor': 'end' }, shortNumber(strength.from)),
    element('text', { class: 'tick', x: end + 6, y: y + 10 }, `${shortNumber(strength.to)} · ${text}`),
  ];
}

/** Evenly chosen names that have room, with their places. */
function every(names: readonly string[], most: number): [name: string, index: number][] {
  const step = Math.max(1, Math.ceil(names.length / most));
  return names.flatMap((name, i) => (i % step === 0 ? [[name, i] as [string, number]] : []));
}

function shortened(name: string): string {
  return [...name].length > NAME_LENGTH ? `${[...name].slice(0, NAME_LENGTH - 1).join('')}…` : name;
}

import { element, type Markup } from './markup.ts';
import { axes, dashOf, drawing, HEIGHT, hueOf, moments, PLOT, thresholds, tip } from './plot.ts';
import type { LineChart } from './report.ts';
import { fullNumber, linearScale } from './scale.ts';

/** With more points than this they would run into each other as dots. */
const MAX_DOTS = 40;

export function drawLines(chart: LineChart): Markup {
  const { series } = chart;
  const { left, right, top, bottom } = PLOT;
  const xs = series.flatMap(({ points }) => points.map(([x]) => x));
  const ys = series.flatMap(({ points }) => points.map(([, y]) => y));
  const levels = (chart.thresholds ?? []).map(({ at }) => at);
  const x = linearScale(xs, chart.x, [left, right], { wanted: 8, rounded: false });
  const y = linearScale([...ys, ...levels], { from: 0, ...chart.y }, [bottom, top], { wanted: 5, rounded: true });
  const drawn = series.map(({ name, tone, points }, i) => {
    const hue = hueOf(i, tone);
    const places = points.map(([px, py]) => [x.at(px), y.at(py)] as const);
    const dots = places.map(([cx, cy], j) => {
      const [px, py] = points[j] as readonly [number, number];
      return element('circle', { class: 'dot', cx, cy, r: 3 }, tip(`${name}: ${fullNumber(py)} at ${fullNumber(px)}`));
    });
    const line = element(
      'path',
      { class: 'line', d: pathThrough(places), 'stroke-dasharray': dashOf(i, tone) },
      tip(name),
    );
    return element('g', { class: hue }, places.length > 1 ? line : undefined, ...(dots.length <= MAX_DOTS ? dots : []));
  });
  return drawing(
    chart.title,
    chart.note ?? '',
    HEIGHT,
    ...axes({ axis: chart.x, scale: x }, { axis: chart.y, scale: y }),
    ...thresholds(chart.thresholds, y),
    ...moments(chart.moments, x),
    ...drawn,
  );
}

export function pathThrough(places: readonly (readonly [x: number, y: number])[]): string {
  return places.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
}

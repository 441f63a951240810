import { element, type Markup } from './markup.ts';
import { axes, drawing, HEIGHT, hueOf, moments, PLOT, tip } from './plot.ts';
import type { Histogram } from './report.ts';
import { fullNumber, linearScale } from './scale.ts';

export function drawHistogram(chart: Histogram): Markup {
  const { edges, counts } = chart;
  const { left, right, top, bottom } = PLOT;
  const x = linearScale(edges, chart.x, [left, right], { wanted: 8, rounded: false });
  const y = linearScale(counts, { from: 0, ...chart.y }, [bottom, top], { wanted: 5, rounded: true });
  const bars = counts.map((count, i) => {
    const [from, to] = [edges[i] as number, edges[i + 1] as number];
    const place = { x: x.at(from) + 0.5, width: Math.max(0.5, x.at(to) - x.at(from) - 1) };
    return element(
      'rect',
      { class: `bar ${hueOf(0, undefined)}`, ...place, y: y.at(count), height: bottom - y.at(count) },
      tip(`${fullNumber(from)} to ${fullNumber(to)}: ${fullNumber(count)}`),
    );
  });
  return drawing(
    chart.title,
    chart.note ?? '',
    HEIGHT,
    ...axes({ axis: chart.x, scale: x }, { axis: chart.y, scale: y }),
    ...bars,
    ...moments(chart.moments, x),
  );
}

import { pathThrough } from './line-chart.ts';
import { element, type Markup } from './markup.ts';
import { axes, drawing, HEIGHT, hueOf, moments, PLOT, tip } from './plot.ts';
import type { AreaChart } from './report.ts';
import { linearScale } from './scale.ts';

export function drawAreas(chart: AreaChart): Markup {
  const { xs, layers } = chart;
  const { left, right, top, bottom } = PLOT;
  const tops: number[][] = [xs.map(() => 0)];
  for (const { values } of layers) {
    const below = tops.at(-1) as number[];
    tops.push(values.map((value, i) => value + (below[i] as number)));
  }
  const x = linearScale(xs, chart.x, [left, right], { wanted: 8, rounded: false });
  const y = linearScale(tops.at(-1) as number[], { from: 0, ...chart.y }, [bottom, top], { wanted: 5, rounded: true });
  const drawn = layers.map(({ name, tone }, i) => {
    const upper = edge(xs, tops[i + 1] as number[], x.at, y.at);
    const lower = edge(xs, tops[i] as number[], x.at, y.at).reverse();
    return element(
      'path',
      { class: `area ${hueOf(i, tone)}`, d: xs.length === 0 ? 'M0 0' : `${pathThrough([...upper, ...lower])}Z` },
      tip(name),
    );
  });
  return drawing(
    chart.title,
    chart.note ?? '',
    HEIGHT,
    ...axes({ axis: chart.x, scale: x }, { axis: chart.y, scale: y }),
    ...drawn,
    ...moments(chart.moments, x),
  );
}

/** One moment alone is drawn as a bar of some width. */
const LONE_WIDTH = 12;

function edge(
  xs: readonly number[],
  ys: readonly number[],
  xAt: (value: number) => number,
  yAt: (value: number) => number,
): (readonly [number, number])[] {
  const places = xs.map((x, i) => [xAt(x), yAt(ys[i] as number)] as const);
  const [only] = places;
  if (places.length !== 1 || only === undefined) return places;
  return [only, [only[0] + LONE_WIDTH, only[1]]];
}

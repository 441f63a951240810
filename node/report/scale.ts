/** Maps values of an axis to places on the page. */
export interface Scale {
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
  at(value: number): number;
}

/** Spans below this, or below this share of the values, are none: doubles could not tell their ticks apart. */
const SMALLEST = 1e-100;
const RELATIVE = 1e-9;

/** Steps that a reader can add up in the head. */
const STEPS = [1, 2, 2.5, 5, 10] as const;

/**
 * A linear scale that spans the values and `from` … `to`, with about `wanted` ticks at round numbers. Where all values are
 * the same it is widened, so that one point has a place.
 *
 * @param places where the ends of the scale lie
 * @param rounded whether its ends are ticks too
 */
export function linearScale(
  values: Iterable<number>,
  bounds: { readonly from?: number | undefined; readonly to?: number | undefined },
  places: readonly [start: number, end: number],
  { wanted, rounded }: { readonly wanted: number; readonly rounded: boolean },
): Scale {
  let from = bounds.from ?? Number.POSITIVE_INFINITY;
  let to = bounds.to ?? Number.NEGATIVE_INFINITY;
  for (const value of values) {
    from = Math.min(from, value);
    to = Math.max(to, value);
  }
  if (from > to) [from, to] = [0, 1];
  const size = Math.max(Math.abs(from), Math.abs(to));
  if (to - from <= Math.max(SMALLEST, size * RELATIVE)) to = from + (size > SMALLEST ? size : 1);
  const step = tickStep((to - from) / wanted);
  if (rounded) {
    from = Math.floor(from / step) * step;
    to = Math.ceil(to / step) * step;
  }
  const ticks: number[] = [];
  // By index, so that rounding does not pile up.
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i++) ticks.push(tidy(i * step));
  const [start, end] = places;
  return { from, to, ticks, at: (value) => start + ((value - from) / (to - from)) * (end - start) };
}

/** The smallest round step of at least `least`. */
function tickStep(least: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(least));
  const factor = STEPS.find((step) => step * magnitude >= least * (1 - 1e-9)) ?? 10;
  return factor * magnitude;
}

function tidy(value: number): number {
  return Number(value.toPrecision(12));
}

const SUFFIXES = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e4, 'k'],
] as const;

/** Short enough for a tick: `12k`, `0.25`, `1e-7`. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  const [unit, suffix] = SUFFIXES.find(([least]) => size >= least) ?? [1, ''];
  const scaled = unit === 1e4 ? value / 1e3 : value / unit;
  if (value !== 0 && size < 1e-3) return value.toExponential(1).replace('.0e', 'e');
  return `${Number(scaled.toPrecision(4))}${suffix}`;
}

/** For tables and tips: six digits that mean something. */
export function fullNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

/** How a series or a figure is to be taken; without one, series get colours in their order. */
export type Tone = 'good' | 'warning' | 'bad' | 'muted';

export interface Axis {
  readonly label: string;
  /** E.g. `days`, `GiB`, `%`; absent for plain counts. */
  readonly unit?: string;
  /** Bounds that the axis spans at least; by default what the data span, and 0 on the vertical axis. */
  readonly from?: number;
  readonly to?: number;
}

/** A named line across the plot: a threshold, or a moment at which something happened. */
export interface Mark {
  readonly at: number;
  readonly label: string;
}

interface Described {
  readonly title: string;
  /** What the chart shows, in a sentence. */
  readonly note?: string;
}

export interface LineChart extends Described {
  readonly kind: 'lines';
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly {
    readonly name: string;
    readonly tone?: Tone;
    readonly points: readonly (readonly [x: number, y: number])[];
  }[];
  readonly thresholds?: readonly Mark[];
  readonly moments?: readonly Mark[];
}

/** Layers are stacked in their order, the first at the bottom. */
export interface AreaChart extends Described {
  readonly kind: 'areas';
  readonly x: Axis;
  readonly y: Axis;
  /** Ascending; each layer has one value ≥ 0 for each. */
  readonly xs: readonly number[];
  readonly layers: readonly { readonly name: string; readonly tone?: Tone; readonly values: readonly number[] }[];
  readonly moments?: readonly Mark[];
}

/** One row for each category; the values of several series stand side by side, or behind each other when stacked. */
export interface BarChart extends Described {
  readonly kind: 'bars';
  readonly value: Axis;
  readonly categories: readonly string[];
  readonly stacked?: boolean;
  /** One value ≥ 0 for each category. */
  readonly series: readonly { readonly name: string; readonly tone?: Tone; readonly values: readonly number[] }[];
}

export interface Histogram extends Described {
  readonly kind: 'histogram';
  readonly x: Axis;
  /** What is counted. */
  readonly y: Axis;
  /** Ascending; bin i reaches from edge i to edge i + 1. */
  readonly edges: readonly number[];
  /** One fewer than edges. */
  readonly counts: readonly number[];
  readonly moments?: readonly Mark[];
}

export interface HeatMap extends Described {
  readonly kind: 'heat-map';
  readonly x: Axis;
  readonly y: Axis;
  readonly columns: readonly string[];
  readonly rows: readonly string[];
  /** By row, then by column; null where there is nothing to tell. */
  readonly values: readonly (readonly (number | null)[])[];
  /** What the colours mean, and the values of the palest and the strongest. */
  readonly scale: Axis;
}

export type Chart = LineChart | AreaChart | BarChart | Histogram | HeatMap;

export interface Fact {
  readonly label: string;
  readonly value: string;
  readonly tone?: Tone;
}

export interface Table {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Section {
  readonly heading: string;
  readonly text?: string;
  readonly charts?: readonly Chart[];
  readonly tables?: readonly Table[];
}

/** What a page tells. All strings are plain text. */
export interface Report {
  readonly title: string;
  readonly summary: string;
  readonly facts: readonly Fact[];
  readonly sections: readonly Section[];
}

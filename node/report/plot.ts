import { type Child, element, type Markup } from './markup.ts';
import type { Axis, Mark, Tone } from './report.ts';
import { type Scale, shortNumber } from './scale.ts';

/** Of the drawing; the page scales it to its width. */
export const WIDTH = 760;
export const HEIGHT = 300;
/** Where the plot lies in it: the rest is for ticks and labels. */
export const PLOT = { left: 64, right: 744, top: 16, bottom: 252 } as const;

/** Colours of series in their order; the style sheet has as many. */
const HUES = 8;
/** Lines of the same hue differ by their dashes. */
const DASHES = ['', '6 3', '2 3'] as const;

/** The class that colours a series. */
export function hueOf(index: number, tone: Tone | undefined): string {
  return tone === undefined ? `s${index % HUES}` : `t-${tone}`;
}

export function dashOf(index: number, tone: Tone | undefined): string | undefined {
  if (tone !== undefined) return undefined;
  return DASHES[Math.floor(index / HUES) % DASHES.length] || undefined;
}

export function titled({ label, unit }: Axis): string {
  return unit === undefined ? label : `${label} (${unit})`;
}

/** Grid, ticks and labels of both axes of a plot. */
export function axes(x: { axis: Axis; scale: Scale }, y: { axis: Axis; scale: Scale }): Markup[] {
  const { left, right, top, bottom } = PLOT;
  const horizontal = y.scale.ticks.flatMap((tick) => {
    const at = y.scale.at(tick);
    return [
      element('line', { class: 'grid', x1: left, x2: right, y1: at, y2: at }),
      element('text', { class: 'tick', x: left - 8, y: at + 4, 'text-anchor': 'end' }, shortNumber(tick)),
    ];
  });
  const vertical = x.scale.ticks.flatMap((tick) => {
    const at = x.scale.at(tick);
    return [
      element('line', { class: 'axis', x1: at, x2: at, y1: bottom, y2: bottom + 4 }),
      element('text', { class: 'tick', x: at, y: bottom + 18, 'text-anchor': 'middle' }, shortNumber(tick)),
    ];
  });
  return [
    ...horizontal,
    ...vertical,
    element('line', { class: 'axis', x1: left, x2: right, y1: bottom, y2: bottom }),
    label((left + right) / 2, bottom + 38, titled(x.axis)),
    sideLabel(titled(y.axis), (top + bottom) / 2),
  ];
}

export function label(x: number, y: number, text: string): Markup {
  return element('text', { class: 'label', x, y, 'text-anchor': 'middle' }, text);
}

export function sideLabel(text: string, y: number): Markup {
  const turned = `rotate(-90 14 ${Math.round(y)})`;
  return element('text', { class: 'label', x: 14, y: Math.round(y), transform: turned, 'text-anchor': 'middle' }, text);
}

/** Vertical lines at moments; what lies outside of the axis is left out. */
export function moments(marks: readonly Mark[] | undefined, scale: Scale): Markup[] {
  const inside = (marks ?? []).filter(({ at }) => at >= scale.from && at <= scale.to);
  return inside.flatMap((mark, i) => {
    const x = scale.at(mark.at);
    // Towards the middle, and on alternating lines, so that neighbours do not cover each other.
    const leftward = x > (PLOT.left + PLOT.right) / 2;
    const place = { x: x + (leftward ? -4 : 4), y: PLOT.top + 10 + 13 * (i % 4) };
    return [
      element('line', { class: 'mark', x1: x, x2: x, y1: PLOT.top, y2: PLOT.bottom }),
      element('text', { class: 'mark-text', ...place, 'text-anchor': leftward ? 'end' : 'start' }, mark.label),
    ];
  });
}

/** Horizontal lines at thresholds. */
export function thresholds(marks: readonly Mark[] | undefined, scale: Scale): Markup[] {
  const inside = (marks ?? []).filter(({ at }) => at >= scale.from && at <= scale.to);
  return inside.flatMap((mark) => {
    const y = scale.at(mark.at);
    return [
      element('line', { class: 'mark', x1: PLOT.left, x2: PLOT.right, y1: y, y2: y }),
      element('text', { class: 'mark-text', x: PLOT.right - 4, y: y - 4, 'text-anchor': 'end' }, mark.label),
    ];
  });
}

/** The note that shows where the pointer rests. */
export function tip(text: string): Markup {
  return element('title', {}, text);
}

export function drawing(title: string, description: string, height: number, ...content: Child[]): Markup {
  const attributes = { class: 'chart', viewBox: `0 0 ${WIDTH} ${Math.round(height)}`, role: 'img' };
  return element('svg', { ...attributes, 'aria-label': `${title}. ${description}` }, ...content);
}

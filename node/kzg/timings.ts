import { OPERATIONS, type Operation } from './operations.ts';

/** Medians of a calibration, milliseconds, by operation and backend. */
export type Timings = { readonly [O in Operation]?: Readonly<Record<string, number>> };

/** Another backend goes first only when it is faster by more than the noise of three runs. */
const CLEARLY_FASTER = 0.9;

/** Those of `names` (in the fixed order) that are worth asking, the best first: the fixed order but for what is clearly faster. */
export function ranked(names: readonly string[], times: Readonly<Record<string, number>> | undefined): string[] {
  const [first] = names;
  const standard = first === undefined ? undefined : times?.[first];
  if (standard === undefined || times === undefined) return [...names];
  let best = first as string;
  for (const name of names) if ((times[name] ?? standard) < (times[best] as number)) best = name;
  if ((times[best] as number) >= standard * CLEARLY_FASTER) return [...names];
  return [best, ...names.filter((name) => name !== best)];
}

export function merged(a: Timings, b: Timings): Timings {
  const both = OPERATIONS.map((operation) => [operation, { ...a[operation], ...b[operation] }] as const);
  return Object.fromEntries(both.filter(([, times]) => Object.keys(times).length > 0));
}

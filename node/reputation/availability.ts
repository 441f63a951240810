import { betaQuantile } from './beta.ts';

/** Decayed counts of one window, as of a moment that is kept beside them. */
export interface Window {
  readonly ok: number;
  readonly miss: number;
}

export const EMPTY_WINDOW: Window = { ok: 0, miss: 0 };

/** The quantile that counts: what is known of a peer with 95 % confidence. */
const QUANTILE = 0.05;

/**
 * The counts after `ms` more: Σ λ^age with λ^halfLife = 1/2, so that all ages grow by `ms` and every term shrinks by the
 * same factor. The sum alone needs to be kept.
 */
export function decayed({ ok, miss }: Window, ms: number, halfLifeMs: number): Window {
  const factor = 2 ** (-Math.max(0, ms) / halfLifeMs);
  return { ok: ok * factor, miss: miss * factor };
}

/** Adds one observation that is `ageMs` old. Additions commute: the order in which observations come in does not matter. */
export function observed({ ok, miss }: Window, kind: keyof Window, ageMs: number, halfLifeMs: number): Window {
  const weight = 2 ** (-Math.max(0, ageMs) / halfLifeMs);
  return kind === 'ok' ? { ok: ok + weight, miss } : { ok, miss: miss + weight };
}

/**
 * The 5 % quantile of `Beta(1 + Σ ok·λ^age, 1 + Σ miss·λ^age)` (reliability §4): the posterior of the probability to
 * answer, from a uniform prior, when old observations count less (Jøsang and Ismail, "The Beta Reputation System", 2002,
 * with its forgetting factor). The lower end of the posterior, so that a newcomer is not better than who has proved itself:
 * 0.05 with no observation, towards ok/(ok + miss) with many.
 */
export function lowerBound({ ok, miss }: Window): number {
  return betaQuantile(QUANTILE, 1 + ok, 1 + miss);
}

/** The lower of the short and the long window: a good past does not hide a bad day, nor a good day a bad past. */
export function availability(short: Window, long: Window): number {
  return Math.min(lowerBound(short), lowerBound(long));
}

/** Of a peer about which nothing is known (reliability §4). */
export const NEWCOMER_INTEGRITY = 0.5;

/**
 * Steps of reliability §4. A proof that fails cannot happen to an honest holder, so it costs what twenty credited audits
 * earn; who says that it lost something spares us the search, which makes the truth half as dear as the lie. A signed
 * commitment or accusation that is provably false is a lie like an invalid proof.
 */
const STEPS = {
  passed: 0.01,
  'declared-loss': -0.1,
  'invalid-proof': -0.2,
  'false-commitment': -0.2,
  'false-evidence': -0.2,
} as const;

export type IntegrityEvent = keyof typeof STEPS;

/** Hundredths of a hundredth: sums of steps stay exact, so that 0.5 − 0.2 is not below 0.3. */
const GRAIN = 10_000;

/** Integrity after the event: one step, clamped to 0 … 1. */
export function integrityAfter(integrity: number, event: IntegrityEvent): number {
  const next = Math.round((integrity + STEPS[event]) * GRAIN) / GRAIN;
  return Math.min(1, Math.max(0, next));
}

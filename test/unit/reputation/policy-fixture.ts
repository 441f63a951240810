import type { ReputationPolicy } from '../../../node/reputation/policy.ts';

export const HOUR = 60 * 60_000;
export const DAY = 24 * HOUR;

/** The defaults of the options. */
export const POLICY: ReputationPolicy = {
  shortHalfLifeMs: DAY,
  longHalfLifeMs: 30 * DAY,
  sampleIntervalMs: HOUR,
  creditIntervalMs: 20 * HOUR,
  vettedCredits: 5,
  vettedMs: 3 * DAY,
  minimumIntegrity: 0.3,
  disqualifyBelow: 0.2,
};

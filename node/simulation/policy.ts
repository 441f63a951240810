import { OPTIONS } from '../config/options.ts';
import type { ReputationPolicy } from '../reputation/policy.ts';

/** As nodes judge that are configured by default. */
export const DEFAULT_POLICY: ReputationPolicy = {
  shortHalfLifeMs: OPTIONS['reputation.shortHalfLife'].default,
  longHalfLifeMs: OPTIONS['reputation.longHalfLife'].default,
  sampleIntervalMs: OPTIONS['reputation.sampleInterval'].default,
  creditIntervalMs: OPTIONS['reputation.creditInterval'].default,
  vettedCredits: OPTIONS['reputation.vettedAudits'].default,
  vettedMs: OPTIONS['reputation.vettedTime'].default,
  minimumIntegrity: OPTIONS['reputation.minimumIntegrity'].default,
  disqualifyBelow: OPTIONS['reputation.disqualifyBelow'].default,
};

export const DEFAULT_SUSPENSION_MS = OPTIONS['placement.suspension'].default;

import { logGamma } from '../reputation/beta.ts';
import type { RandomStream } from './random-stream.ts';

/**
 * A Weibull distribution of how long something lasts. Shape 1 is the exponential distribution (no memory); below 1 what
 * has lasted long goes on for long, as sessions of peers do (Stutzbach and Rejaie, "Understanding churn in peer-to-peer
 * networks", 2006, find 0.4 to 0.6); above 1 it wears out, as disks do.
 */
export interface Lifetime {
  /** Milliseconds. */
  readonly mean: number;
  readonly shape: number;
}

/** mean = scale·Γ(1 + 1/shape). */
function scaleOf({ mean, shape }: Lifetime): number {
  return mean / Math.exp(logGamma(1 + 1 / shape));
}

/** P(X > t) = exp(−(t/scale)^shape). */
export function shareLongerThan(t: number, lifetime: Lifetime): number {
  return Math.exp(-((t / scaleOf(lifetime)) ** lifetime.shape));
}

/** By inversion: scale·(−ln(1 − u))^{1/shape}. */
export function drawLifetime(lifetime: Lifetime, random: RandomStream): number {
  const { mean, shape } = lifetime;
  if (shape === 1) return random.exponential(mean);
  return scaleOf(lifetime) * (-Math.log1p(-random.fraction())) ** (1 / shape);
}

/** Renewals before the start after which it no longer matters how they began; exact without memory. */
const SETTLING_MEANS = 20;

/**
 * What is left of the lifetime that is under way at a moment long after the beginning. That lifetime is longer than the
 * mean (the moment more often falls into a long one), so it is not drawn afresh: renewals are run until the moment is past.
 */
export function drawResidual(lifetime: Lifetime, random: RandomStream): number {
  if (lifetime.shape === 1) return random.exponential(lifetime.mean);
  let left = -SETTLING_MEANS * lifetime.mean;
  while (left <= 0) left += drawLifetime(lifetime, random);
  return left;
}

/** As `drawResidual`, of something that is on and off in turns. */
export function drawPhase(
  on: Lifetime,
  off: Lifetime,
  random: RandomStream,
): { readonly on: boolean; readonly left: number } {
  let left = -SETTLING_MEANS * (on.mean + off.mean);
  let isOn = false;
  while (left <= 0) {
    isOn = !isOn;
    left += drawLifetime(isOn ? on : off, random);
  }
  return { on: isOn, left };
}

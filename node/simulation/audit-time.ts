import type { RandomStream } from './random-stream.ts';

/**
 * Time until the audit that finds what went bad just now, sampled at once instead of stepping through the audits.
 *
 * A cycle covers the shards of a holder once each, in an order that is drawn anew for every cycle (node/audit/cycle-order.ts),
 * so that the place of one shard in a cycle is uniform in [0, 1), and independent of the one in the next. Something goes bad
 * when a share `phase` of the cycle has passed. With p, q uniform: for p > phase its audit of this cycle is still to come,
 * in (p − phase) cycles; otherwise it is over, and the next is in (1 − phase + q). That is the very distribution of the
 * process, and no approximation: the mean over all phases is 7/12 of a cycle.
 *
 * @param phase share of the cycle that has passed, in [0, 1)
 * @returns milliseconds
 */
export function auditDelay(phase: number, cycleMs: number, random: RandomStream): number {
  const place = random.fraction();
  if (place > phase) return (place - phase) * cycleMs;
  return (1 - phase + random.fraction()) * cycleMs;
}

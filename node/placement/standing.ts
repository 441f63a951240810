import type { Standing } from '../reputation/standing.ts';

/**
 * Whether a proven integrity failure still keeps a peer from getting new shards. Its score alone would not: one invalid
 * proof leaves a newcomer at 0.3 and a long-standing peer at 0.8 (reliability §4), yet who answers with a false proof
 * does not have what it signed for: an honest holder declares its losses.
 *
 * @param now wall clock, milliseconds
 */
export function isSuspended({ integrityFailedAt }: Standing, now: number, suspensionMs: number): boolean {
  return integrityFailedAt !== undefined && now - integrityFailedAt < suspensionMs;
}

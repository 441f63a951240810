/** What placement needs to know of how a peer has done; the reputation service satisfies it. */
export interface Standing {
  /** 0 … 1; a newcomer has 0.5. */
  readonly integrity: number;
  /** 0 … 1: lower bound of the share of challenges that it answers. */
  readonly availability: number;
  /** Enough passed audits over enough time. */
  readonly vetted: boolean;
  /** Milliseconds since 1970 of the last proven integrity failure. */
  readonly integrityFailedAt: number | undefined;
  readonly disqualified: boolean;
}

/** Everyone's, as long as nobody keeps scores. */
export const NEUTRAL_STANDING: Standing = {
  integrity: 0.5,
  availability: 1,
  vetted: false,
  integrityFailedAt: undefined,
  disqualified: false,
};

/**
 * One figure for the draw: integrity × availability. A shard is of use while its holder still has it and answers; taken
 * as independent, the product is how likely that is. Availability is a lower bound, so that a newcomer, of whom little
 * is known, starts low.
 */
export function combinedReputation({ integrity, availability }: Standing): number {
  return integrity * availability;
}

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

/** What placement and others see of a peer; synchronous, from memory. */
export interface Standing {
  /** 0 … 1, newcomer 0.5. */
  readonly integrity: number;
  /** 0 … 1: lower 5 % quantile, the lower of the short and the long window; newcomer 0.05. */
  readonly availability: number;
  /** Enough passed audits over enough time, since the last proven failure. */
  readonly vetted: boolean;
  /** Of the last proven integrity failure (invalid proof or false commitment), milliseconds since 1970. */
  readonly integrityFailedAt: number | undefined;
  readonly disqualified: boolean;
}

/**
 * One number, 0 … 1, to weigh peers by: integrity × availability, and 0 for who is disqualified. A shard is of use while
 * its holder still has it and answers; taken as independent, the product is how likely that is. Availability is a lower
 * bound, so that a newcomer, of whom little is known, starts low. Whether a peer may get shards at all is not read off it.
 */
export function scoreOf({ integrity, availability, disqualified }: Standing): number {
  return disqualified ? 0 : integrity * availability;
}

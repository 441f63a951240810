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
 * One number, 0 … 1, to weigh peers by: availability moves a peer between the least integrity that is good enough and its
 * own, `min + (integrity − min)·availability`. It is below `min` exactly for peers that get no new shards, whatever their
 * availability (being offline is a constraint of its own), and grows with both.
 */
export function scoreOf({ integrity, availability, disqualified }: Standing, minimumIntegrity: number): number {
  if (disqualified) return 0;
  if (integrity < minimumIntegrity) return integrity;
  return minimumIntegrity + (integrity - minimumIntegrity) * availability;
}

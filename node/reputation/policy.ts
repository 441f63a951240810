/** The numbers by which peers are judged; times in milliseconds. Options of the configuration, with their rationale there. */
export interface ReputationPolicy {
  /** Half-lives of the two windows of availability. */
  readonly shortHalfLifeMs: number;
  readonly longHalfLifeMs: number;
  /** Of the same kind (answered, missed) one observation counts in each such span. */
  readonly sampleIntervalMs: number;
  /** One passed audit is credited, and one declared loss charged, in each such span. */
  readonly creditIntervalMs: number;
  /** Credited audits, and the time since the first of them, that make a newcomer vetted. */
  readonly vettedCredits: number;
  readonly vettedMs: number;
  /** Below this integrity a peer gets no new shards. */
  readonly minimumIntegrity: number;
  /** An invalid proof that leaves less integrity than this disqualifies. */
  readonly disqualifyBelow: number;
}

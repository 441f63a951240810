/** What became of challenges. Codes are those of closed unions, and so is the number of counters. */
export interface ProverStats {
  /** Signed openings, and answers given again. */
  readonly proofs: number;
  readonly repeated: number;
  /** Proofs that left out shards that are lost. */
  readonly declaredLost: number;
  /** Bytes of shards read for proofs, at most. */
  readonly bytesRead: number;
  /** By code: signed (`busy-until`, `released`, …) and unsigned (`not-auditor`, `bad-receipt`, …) alike. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Proofs under way, and challenges that wait. */
  readonly running: number;
  readonly waiting: number;
}

/** Counts since the start of the process. */
export class ProverCounters {
  proofs = 0;
  repeated = 0;
  declaredLost = 0;
  bytesRead = 0;
  readonly #refusals = new Map<string, number>();

  refused(code: string): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
  }

  stats(running: number, waiting: number): ProverStats {
    const { proofs, repeated, declaredLost, bytesRead } = this;
    return {
      proofs,
      repeated,
      declaredLost,
      bytesRead,
      refusals: Object.fromEntries(this.#refusals),
      running,
      waiting,
    };
  }
}

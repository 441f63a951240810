/** What the order of repairs goes by. */
export interface Endangered {
  /** Expected days until it is lost, if nobody repairs it; 0 when it is. */
  readonly daysToLoss: number;
  /** Shards that may still be lost. */
  readonly margin: number;
  /** When the need was found, milliseconds. */
  readonly since: number;
}

/** The most endangered first (Storj, satellite/repair/priority.go): by days to loss, then by margin, then the oldest. */
export function compareUrgency(a: Endangered, b: Endangered): number {
  // Days may both be infinite, whose difference is no number.
  if (a.daysToLoss !== b.daysToLoss) return a.daysToLoss < b.daysToLoss ? -1 : 1;
  return a.margin - b.margin || a.since - b.since;
}

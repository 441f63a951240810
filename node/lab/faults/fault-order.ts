/**
 * How a node lies: `altered` reads every shard with one bit changed when it proves or serves; `claims` goes on claiming
 * its shards and makes their bytes up; `silent` answers everything except audits.
 */
export const LIES = ['altered', 'claims', 'silent'] as const;
export type Lie = (typeof LIES)[number];

/** What one node of a lab is told to do wrong. Plain JSON: it may travel to another process. */
export type FaultOrder =
  /** Flips bits of stored shards on disk; `draw` (32 bits) decides which of those that are there. */
  | { readonly kind: 'corrupt'; readonly shards: number; readonly bits: number; readonly draw: number }
  /** Deletes the bytes of this share of the stored shards, 0 … 1; all that the node noted about them stays. */
  | { readonly kind: 'drop'; readonly share: number; readonly draw: number }
  /** Waits before each answer; 0 = no more. */
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'lie'; readonly how: Lie | 'none' }
  /** Asks these peers for what it has no right to, as fast as it can, for a time. */
  | { readonly kind: 'flood'; readonly peers: readonly string[]; readonly ms: number }
  /** Has no connection with these peers; none = with all again. */
  | { readonly kind: 'isolate'; readonly from: readonly string[] };

/** What came of an order. */
export interface FaultResult {
  /** Shards that were touched. */
  readonly shards: number;
}

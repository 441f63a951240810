import type { OutcomeKind } from '../audit/outcome.ts';

/** One final outcome of an audit by this node. */
export interface AuditObservation {
  readonly peer: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly outcome: OutcomeKind;
  /** Shards covered. */
  readonly shards: number;
  /** Challenge id, hex. What is observed twice under one id counts once. */
  readonly audit?: string;
  readonly detail?: string;
}

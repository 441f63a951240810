import type { AuditReceipt } from '../../protocol/audit-receipt.ts';
import type { AuditOutcome } from './outcome.ts';
import type { Selection } from './selection.ts';

/** What one question to a holder came to. */
export interface AuditResult {
  /** Challenge id, 32 bytes. */
  readonly id: Uint8Array;
  readonly outcome: AuditOutcome;
  /** What the challenge was about: without the entries for which the holder has an excuse. */
  readonly selection: Selection;
  /** Shards covered by the challenge. */
  readonly shards: number;
  /** From the question to the verdict. */
  readonly milliseconds: number;
  /** Of them, what this node worked on the answer. */
  readonly verifyMilliseconds: number;
  /** Present when the prover answered in the agreed form: whoever has the segments can check it again. */
  readonly receipt?: AuditReceipt;
  /** Challenges before it, about more: the holder had an excuse for some of that. */
  readonly before?: readonly AuditResult[];
  /** What was not asked about: the holder had an excuse for something else too often. */
  readonly rest?: Selection;
}

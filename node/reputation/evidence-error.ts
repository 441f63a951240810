import { CodedError } from '../../protocol/errors.ts';

/**
 * Why something that was said to be evidence moves no score of the accused. `false`: whoever signed the accusation signed
 * what anybody can show to be wrong. `reject`: no honest peer forwards it, whatever it knows; the rest may be a matter of
 * time, of what is known here, or of how busy this node is.
 */
export const EVIDENCE_REFUSALS = {
  oversize: { reject: true, false: false },
  malformed: { reject: true, false: false },
  'not-evidence': { reject: true, false: false },
  'other-network': { reject: true, false: false },
  'bad-signature': { reject: true, false: false },
  'not-auditor': { reject: true, false: false },
  /** Signatures, coverage, digest or form of the audit do not hold. */
  'bad-audit': { reject: true, false: true },
  /** The proof is right. */
  'proof-holds': { reject: true, false: true },
  'before-receipt': { reject: true, false: false },
  'receipt-expired': { reject: true, false: false },
  'from-future': { reject: false, false: false },
  /** The accusation, or its challenge, is older than what is remembered. */
  'too-old': { reject: false, false: false },
  replayed: { reject: false, false: false },
  /** Evidence about the same peer and segment has counted. */
  known: { reject: false, false: false },
  /** Enough is kept against the accused to have taken all its integrity. */
  enough: { reject: false, false: false },
  'about-self': { reject: false, false: false },
  /** By a peer about the one that proved its failure. */
  retaliation: { reject: false, false: false },
  'rate-limited': { reject: false, false: false },
  busy: { reject: false, false: false },
  'no-manifest': { reject: false, false: false },
  /** The manifest holds no points, or those of parity cannot be derived. */
  'bad-commitments': { reject: false, false: false },
} as const satisfies Record<string, { readonly reject: boolean; readonly false: boolean }>;

export type EvidenceRefusal = keyof typeof EVIDENCE_REFUSALS;

export class EvidenceError extends CodedError<{ readonly code: EvidenceRefusal }> {}

export function refused(code: EvidenceRefusal, reason: string, options?: ErrorOptions): EvidenceError {
  return new EvidenceError({ code }, `the evidence is refused: ${reason}`, options);
}

import { HASH_BYTES, PEER_KEY_BYTES } from '../constants.ts';
import { byteString, fixedBytes, flag, list, optional } from '../fields.ts';
import { structure } from '../structure.ts';

export const MAX_EVIDENCE_PAGE_BYTES = 256 * 1024;
const MAX_BUNDLES = 256;

/** Asks for what others can prove about a peer. */
export interface EvidenceRequest {
  readonly peer: Uint8Array;
  /** SHA-256 of the last bundle of the page before. */
  readonly after?: Uint8Array;
}

/** One page of audit receipts, each an encoded `AuditReceipt` about one segment. */
export interface EvidenceResponse {
  readonly bundles: readonly Uint8Array[];
  readonly more: boolean;
}

export const evidenceRequest = structure<EvidenceRequest>('evidence request', 1024, {
  peer: fixedBytes(PEER_KEY_BYTES),
  after: optional(fixedBytes(HASH_BYTES)),
});

export const evidenceResponse = structure<EvidenceResponse>(
  'evidence response',
  MAX_EVIDENCE_PAGE_BYTES,
  { bundles: list(byteString(MAX_EVIDENCE_PAGE_BYTES, 1), MAX_BUNDLES), more: flag },
  ({ bundles, more }) => (more && bundles.length === 0 ? 'more follows an empty page' : undefined),
);

import { type OpenedAnswer, openAuditAnswer } from './audit-answer.ts';
import { AuditError } from './audit-error.ts';
import { checkAuditSet, type OpenedAuditRequest, openAuditRequest } from './audit-request.ts';
import { type AuditItem, auditItems, itemCommitments, type SegmentLookup } from './audit-set.ts';
import { nodeCid } from './cid.ts';
import type { ErasureCode } from './code.ts';
import { MAX_AUDIT_BYTES } from './constants.ts';
import { badField, type Field, record } from './fields.ts';
import { decodeRoot, readSegment, verifyRoot } from './manifest.ts';
import {
  type AuditAnswer,
  type AuditRequest,
  answerFault,
  auditAnswerFields,
  auditRequestFields,
} from './messages/audit.ts';
import { isExpired } from './store-receipt.ts';
import { structure } from './structure.ts';

export const MAX_AUDIT_RECEIPT_BYTES = 2 * MAX_AUDIT_BYTES;

/**
 * One audit as both sides signed it (protocol v1 §5). Anyone who has the segments can check it again, offline; with a
 * pairing that fails it is the evidence of an integrity failure.
 */
export interface AuditReceipt {
  readonly request: AuditRequest;
  readonly answer: AuditAnswer;
}

const answerShape = record(auditAnswerFields);
const answerField: Field<AuditAnswer> = {
  optional: false,
  check(value, at) {
    const answer = answerShape.check(value, at);
    const reason = answerFault(answer);
    if (reason !== undefined) throw badField(at, reason);
    return answer as AuditAnswer;
  },
};

const codec = structure<AuditReceipt>('audit receipt', MAX_AUDIT_RECEIPT_BYTES, {
  request: record(auditRequestFields),
  answer: answerField,
});

/** @throws StructureError */
export function encodeAuditReceipt(receipt: AuditReceipt): Uint8Array {
  return codec.encode(receipt);
}

/** Checks the form only. @throws StructureError */
export function decodeAuditReceipt(bytes: Uint8Array): AuditReceipt {
  return codec.decode(bytes);
}

export interface OpenedAuditReceipt extends OpenedAuditRequest {
  readonly answer: OpenedAnswer;
}

/**
 * Checks everything of a receipt but the pairing: signatures, addressing, coverage by the prover's store receipts,
 * count, digest and the form of the answer.
 *
 * @param commitments of `auditItems(parts, lookup)`, in that order; `verifyAuditReceipt` derives them.
 * @param opened the request, when its signatures were verified before.
 * @throws StructureError | AuditError
 */
export function verifyAuditReceiptStructure(
  receipt: AuditReceipt,
  lookup: SegmentLookup,
  commitments: readonly Uint8Array[],
  opened: OpenedAuditRequest = openAuditRequest(receipt.request),
): OpenedAuditReceipt {
  return openReceipt(receipt, opened, lookup, auditItems(opened.parts, lookup), commitments);
}

/** The same, with parity commitments derived by the codes. @throws StructureError | AuditError */
export async function verifyAuditReceipt(
  receipt: AuditReceipt,
  lookup: SegmentLookup,
  codeOf: (id: ErasureCode['id']) => Pick<ErasureCode, 'parityCommitments'>,
  signal?: AbortSignal,
): Promise<OpenedAuditReceipt> {
  const opened = openAuditRequest(receipt.request);
  const items = auditItems(opened.parts, lookup);
  return openReceipt(receipt, opened, lookup, items, await itemCommitments(items, codeOf, signal));
}

function openReceipt(
  { request, answer }: AuditReceipt,
  opened: OpenedAuditRequest,
  lookup: SegmentLookup,
  items: readonly AuditItem[],
  commitments: readonly Uint8Array[],
): OpenedAuditReceipt {
  checkAuditSet(opened.challenge, items, commitments);
  const result = openAuditAnswer(request.challenge, opened, answer, lookup, items, commitments);
  const expired = opened.receipts.findIndex((receipt) => isExpired(receipt, opened.challenge.issuedAt));
  if (result.kind !== 'refused' && expired >= 0) {
    const message = `the store receipt of entry ${expired} had expired before the challenge`;
    throw new AuditError({ code: 'receipt-expired', entry: expired }, message);
  }
  return { ...opened, answer: result };
}

/**
 * A lookup over the bytes of manifests, as a file beside a receipt or a store gives them. Every root must be signed
 * and every segment must be one that its root names; segments are decoded when they are looked up.
 *
 * @throws StructureError
 */
export function segmentLookup(roots: readonly Uint8Array[], segments: readonly Uint8Array[]): SegmentLookup {
  const rootsByCid = new Map(
    roots.map((bytes) => {
      const root = decodeRoot(bytes);
      if (!verifyRoot(root)) throw badField('manifest.sig', 'it is not the signature of the owner');
      return [nodeCid(bytes).toString(), root];
    }),
  );
  const segmentsByCid = new Map(segments.map((bytes) => [nodeCid(bytes).toString(), bytes]));
  const found = new Map<string, ReturnType<SegmentLookup>>();
  return (rootCid, segmentCid) => {
    const key = `${rootCid} ${segmentCid}`;
    const known = found.get(key);
    if (known !== undefined) return known;
    const root = rootsByCid.get(rootCid.toString());
    const bytes = segmentsByCid.get(segmentCid.toString());
    const index = root?.segments.findIndex((cid) => cid.equals(segmentCid)) ?? -1;
    if (root === undefined || bytes === undefined || index < 0) return undefined;
    const value = { segment: readSegment(root, index, bytes), code: root.code, owner: root.owner };
    found.set(key, value);
    return value;
  };
}

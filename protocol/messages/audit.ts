import type { CID } from 'multiformats/cid';
import { MAX_AUDIT_ENTRIES, MAX_AUDIT_REFUSAL_BYTES } from '../audit-refusal.ts';
import { CHALLENGE_BYTES } from '../challenge.ts';
import { MAX_AUDIT_BYTES, SIGNATURE_BYTES } from '../constants.ts';
import { bitmap, byteString, type Fields, fixedBytes, link, list, optional, record } from '../fields.ts';
import { RESPONSE_BYTES } from '../response.ts';
import { MAX_SEGMENT_SHARDS } from '../segment.ts';
import { MAX_RECEIPT_BYTES } from '../store-receipt.ts';
import { structure } from '../structure.ts';

/** What one audit covers of one segment. */
export interface AuditSetEntry {
  readonly segment: CID;
  readonly indices: Uint8Array;
  /** The prover's own encoded store receipt; it covers the indices and names the root. */
  readonly receipt: Uint8Array;
}

export interface AuditRequest {
  /** 218 bytes. */
  readonly challenge: Uint8Array;
  /** The auditor's signature, tag `challenge`. */
  readonly sig: Uint8Array;
  readonly set: readonly AuditSetEntry[];
}

/** `response` (121 bytes), `missing` (one bitmap per entry when its status is 1, else none) and `sig`; or `refusal`. */
export type AuditAnswer =
  | { readonly response: Uint8Array; readonly missing: readonly Uint8Array[]; readonly sig: Uint8Array }
  | { readonly refusal: Uint8Array };

interface AnswerFields {
  readonly response?: Uint8Array;
  readonly missing?: readonly Uint8Array[];
  readonly sig?: Uint8Array;
  readonly refusal?: Uint8Array;
}

export const auditRequestFields: Fields<AuditRequest> = {
  challenge: fixedBytes(CHALLENGE_BYTES),
  sig: fixedBytes(SIGNATURE_BYTES),
  set: list(
    record<AuditSetEntry>({
      segment: link('node'),
      indices: bitmap(MAX_SEGMENT_SHARDS),
      receipt: byteString(MAX_RECEIPT_BYTES, 1),
    }),
    MAX_AUDIT_ENTRIES,
    1,
  ),
};

export const auditAnswerFields: Fields<AnswerFields> = {
  response: optional(fixedBytes(RESPONSE_BYTES)),
  missing: optional(list(bitmap(MAX_SEGMENT_SHARDS, 'may-be-empty'), MAX_AUDIT_ENTRIES)),
  sig: optional(fixedBytes(SIGNATURE_BYTES)),
  refusal: optional(byteString(MAX_AUDIT_REFUSAL_BYTES, 1)),
};

export const auditRequest = structure<AuditRequest>('audit request', MAX_AUDIT_BYTES, auditRequestFields);

const answerCodec = structure<AnswerFields>('audit answer', MAX_AUDIT_BYTES, auditAnswerFields, answerFault);

/** What is wrong with the combination of fields, or undefined. */
export function answerFault({ response, missing, sig, refusal }: AnswerFields): string | undefined {
  const given = [response, missing, sig].filter((field) => field !== undefined).length;
  return given === (refusal === undefined ? 3 : 0)
    ? undefined
    : 'it takes response, missing and sig, or a refusal alone';
}

export const auditAnswer = {
  encode: (answer: AuditAnswer): Uint8Array => answerCodec.encode(answer),
  /** @throws StructureError */
  decode: (bytes: Uint8Array): AuditAnswer => answerCodec.decode(bytes) as AuditAnswer,
};

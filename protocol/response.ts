import { concat, u32, u64 } from './bytes.ts';
import { malformed } from './cbor.ts';
import { FIELD_ELEMENT_BYTES, HASH_BYTES, PROOF_BYTES } from './constants.ts';
import { taggedHash } from './hash.ts';

export const RESPONSE_BYTES = 121;

/** A prover's answer to a challenge (protocol v1 §5). */
export interface AuditResponse {
  readonly challengeId: Uint8Array;
  /** 1: some shards are declared lost, in the list that is signed with the response. */
  readonly status: 0 | 1;
  /** f(z), 32 bytes, and its proof π, 48 bytes; zero bytes when all shards are lost. */
  readonly y: Uint8Array;
  readonly proof: Uint8Array;
  readonly sentAt: number;
}

/** @throws StructureError */
export function encodeResponse({ challengeId, status, y, proof, sentAt }: AuditResponse): Uint8Array {
  if (challengeId.length !== HASH_BYTES || y.length !== FIELD_ELEMENT_BYTES || proof.length !== PROOF_BYTES) {
    throw malformed('audit response', 'a field has a wrong length');
  }
  if (!Number.isSafeInteger(sentAt) || sentAt < 0) throw malformed('audit response', 'its time is out of range');
  return concat(challengeId, Uint8Array.of(status), y, proof, u64(sentAt));
}

/** Whether y and π are valid encodings is for the pairing check to tell. @throws StructureError */
export function decodeResponse(bytes: Uint8Array): AuditResponse {
  if (bytes.length !== RESPONSE_BYTES)
    throw malformed('audit response', `${bytes.length} bytes, but it takes ${RESPONSE_BYTES}`);
  const status = bytes[32];
  if (status !== 0 && status !== 1) throw malformed('audit response', `status ${status} is not known`);
  const sentAt = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigUint64(113));
  if (!Number.isSafeInteger(sentAt)) throw malformed('audit response', 'its time is out of range');
  return { challengeId: bytes.slice(0, 32), status, y: bytes.slice(33, 65), proof: bytes.slice(65, 113), sentAt };
}

/** What the prover signs. @param missing ids declared lost, ascending and unique. */
export function responseDigest(response: Uint8Array, missing: readonly Uint8Array[]): Uint8Array {
  return taggedHash('response', response, u32(missing.length), ...missing);
}

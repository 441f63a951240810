import { AuditError } from './audit-error.ts';
import { type AuditRefusal, type AuditRefusalReason, decodeAuditRefusal, verifyAuditRefusal } from './audit-refusal.ts';
import type { OpenedAuditRequest } from './audit-request.ts';
import { type AuditedPart, type AuditItem, entriesDigest, missingIds, type SegmentLookup } from './audit-set.ts';
import { bitmapIndices } from './bitmap.ts';
import { equalBytes } from './bytes.ts';
import { MAX_CLOCK_SKEW_MS } from './constants.ts';
import type { AuditAnswer } from './messages/audit.ts';
import { decodeRelease, verifyRelease } from './release.ts';
import { decodeResponse, responseDigest } from './response.ts';
import { verifySignature } from './signature.ts';
import { isExpired, type StoreReceipt } from './store-receipt.ts';
import { auditOpening, challengeId } from './transcript.ts';

/** What the pairing check needs: C = Σ coefficients[i] · commitments[i], then (C, z, y, π). */
export interface PairingInput {
  /** In the order of the shard ids. */
  readonly commitments: readonly Uint8Array[];
  /** ρ, one per commitment, 128 bits each. */
  readonly coefficients: readonly bigint[];
  readonly z: Uint8Array;
  readonly y: Uint8Array;
  readonly proof: Uint8Array;
}

export type OpenedAnswer =
  | {
      readonly kind: 'opening';
      /** Ids declared lost, ascending; empty when nothing is. */
      readonly missing: readonly Uint8Array[];
      readonly sentAt: number;
      readonly pairing: PairingInput;
    }
  | { readonly kind: 'all-missing'; readonly missing: readonly Uint8Array[]; readonly sentAt: number }
  | OpenedRefusal;

export interface OpenedRefusal {
  readonly kind: 'refused';
  readonly refusal: AuditRefusal;
  /** What it counts as: `expired` of a promise that still binds is `not-held`. */
  readonly reason: AuditRefusalReason;
  /** The entries that this is about, ascending and at least one; empty for `busy-until`. */
  readonly entries: readonly number[];
}

/**
 * Checks all of an answer but its pairing: that it is to this challenge, signed by its prover and well-formed. Only
 * an answer that passes, with a pairing that fails, is evidence.
 *
 * @param challenge the 218 bytes.
 * @param items of the set, as `auditItems` orders them, and their commitments.
 * @throws StructureError | AuditError
 */
export function openAuditAnswer(
  challenge: Uint8Array,
  request: OpenedAuditRequest,
  answer: AuditAnswer,
  lookup: SegmentLookup,
  items: readonly AuditItem[],
  commitments: readonly Uint8Array[],
): OpenedAnswer {
  const id = challengeId(challenge);
  if ('refusal' in answer) return openRefusal(id, request, answer.refusal, lookup);
  const response = decodeResponse(answer.response);
  if (!equalBytes(response.challengeId, id)) throw wrongChallenge();
  if ((response.status === 0) !== (answer.missing.length === 0)) {
    throw badMissing('shards are listed as missing exactly when the status is 1');
  }
  const missing = response.status === 0 ? [] : missingIds(request.parts, answer.missing, lookup);
  if (response.status === 1 && missing.length === 0) throw badMissing('the status is 1 but no shard is listed');
  if (!verifySignature(request.challenge.prover, responseDigest(answer.response, missing), answer.sig)) {
    throw new AuditError({ code: 'bad-response-signature' }, 'the response is not signed by its prover');
  }
  const { y, proof, sentAt } = response;
  if (missing.length === items.length) {
    if ([...y, ...proof].some((byte) => byte !== 0))
      throw badMissing('it opens something although all shards are lost');
    return { kind: 'all-missing', missing, sentAt };
  }
  const ids = items.map((item) => item.id);
  const { positions, coefficients, z } = auditOpening(challenge, ids, missing);
  const answered = positions.map((i) => commitments[i] as Uint8Array);
  return { kind: 'opening', missing, sentAt, pairing: { commitments: answered, coefficients, z, y, proof } };
}

function openRefusal(
  id: Uint8Array,
  request: OpenedAuditRequest,
  bytes: Uint8Array,
  lookup: SegmentLookup,
): OpenedRefusal {
  const { challenge, parts } = request;
  const refusal = decodeAuditRefusal(bytes);
  if (!equalBytes(refusal.challengeId, id)) throw wrongChallenge();
  if (!equalBytes(refusal.prover, challenge.prover)) throw badRefusal('it is of another prover');
  if (!verifyAuditRefusal(refusal)) throw badRefusal('it is not signed by its prover');
  const { reason } = refusal;
  if (refusal.asked !== undefined && !equalBytes(refusal.asked, entriesDigest(parts))) {
    throw badRefusal('it is about entries of another list');
  }
  const entries = bitmapIndices(refusal.entries ?? new Uint8Array(0));
  if (entries.some((entry) => entry >= parts.length)) throw badRefusal('it names an entry that was not asked for');
  if (refusal.release !== undefined) checkRelease(refusal.release, entries, request, lookup);
  if (reason === 'expired') {
    const binding = entries.filter((entry) => isBinding(entry, request, refusal.sentAt));
    if (binding.length > 0) return { kind: 'refused', refusal, reason: 'not-held', entries: binding };
  }
  return { kind: 'refused', refusal, reason, entries };
}

function checkRelease(
  bytes: Uint8Array,
  entries: readonly number[],
  { challenge, parts }: OpenedAuditRequest,
  lookup: SegmentLookup,
): void {
  const release = decodeRelease(bytes);
  if (!verifyRelease(release)) throw badRefusal('its release is not signed by the owner');
  for (const entry of entries) {
    const part = parts[entry] as AuditedPart;
    // The owner comes from the signed root: a holder could name an accomplice in its own receipt.
    const owner = lookup(part.root, part.segment)?.owner;
    const fits =
      owner !== undefined &&
      release.root.equals(part.root) &&
      equalBytes(release.owner, owner) &&
      equalBytes(release.network, challenge.network);
    if (!fits) throw badRefusal(`its release is not about entry ${entry}`);
  }
}

/** Whether the holder still owed an answer. It says itself when it answered: within the time that it had for that. */
function isBinding(entry: number, { challenge, receipts }: OpenedAuditRequest, sentAt: number): boolean {
  const { issuedAt, deadlineMs } = challenge;
  const at = Math.min(sentAt, issuedAt + deadlineMs) + MAX_CLOCK_SKEW_MS;
  return !isExpired(receipts[entry] as StoreReceipt, at);
}

function wrongChallenge(): AuditError {
  return new AuditError({ code: 'wrong-challenge' }, 'the answer is to another challenge');
}

function badMissing(reason: string): AuditError {
  return new AuditError({ code: 'bad-missing', reason }, `the list of missing shards is refused: ${reason}`);
}

function badRefusal(reason: string): AuditError {
  return new AuditError({ code: 'bad-refusal', reason }, `the refusal of the audit is refused: ${reason}`);
}

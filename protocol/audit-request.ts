import { AuditError } from './audit-error.ts';
import { type AuditedPart, type AuditItem, setDigest } from './audit-set.ts';
import { isSubsetOf } from './bitmap.ts';
import { equalBytes } from './bytes.ts';
import { StructureError } from './cbor.ts';
import { type Challenge, decodeChallenge, verifyChallenge } from './challenge.ts';
import type { AuditRequest, AuditSetEntry } from './messages/audit.ts';
import { decodeStoreReceipt, type StoreReceipt, verifyStoreReceipt } from './store-receipt.ts';

/** A request whose signatures hold and whose receipts are the prover's and cover what is asked. */
export interface OpenedAuditRequest {
  readonly challenge: Challenge;
  /** One per entry of the set. */
  readonly parts: readonly AuditedPart[];
  readonly receipts: readonly StoreReceipt[];
}

/**
 * Checks all of a request that needs neither segments nor a clock. Whether the challenge is addressed to this node,
 * fresh, and not seen before, and whether receipts have expired, is the caller's to check.
 *
 * @param isKnown whether these are the bytes of a receipt that was verified or issued here before; such a receipt is
 *   not verified again, which for a set of many segments is most of the work.
 * @param isOwn the challenge was signed here just now: its signature, 2.7 ms, is not verified.
 * @throws StructureError | AuditError
 */
export function openAuditRequest(
  request: AuditRequest,
  isKnown: (receipt: Uint8Array) => boolean = () => false,
  isOwn = false,
): OpenedAuditRequest {
  const challenge = isOwn ? decodeChallenge(request.challenge) : openChallenge(request);
  return openAuditSet(challenge, request.set, isKnown);
}

/** The challenge, signed by the auditor that it names. @throws StructureError | AuditError bad-challenge-signature */
export function openChallenge({ challenge: bytes, sig }: Pick<AuditRequest, 'challenge' | 'sig'>): Challenge {
  const challenge = decodeChallenge(bytes);
  if (!verifyChallenge(bytes, challenge.auditor, sig)) {
    throw new AuditError({ code: 'bad-challenge-signature' }, 'the challenge is not signed by its auditor');
  }
  return challenge;
}

/** The rest of `openAuditRequest`, for who verifies the challenge before looking any receipt up. @throws AuditError */
export function openAuditSet(
  challenge: Challenge,
  set: readonly AuditSetEntry[],
  isKnown: (receipt: Uint8Array) => boolean,
): OpenedAuditRequest {
  const receipts = set.map((item, entry) => openReceipt(challenge, item, entry, isKnown));
  const parts = set.map(({ segment, indices }, i) => ({ root: (receipts[i] as StoreReceipt).root, segment, indices }));
  const seen = new Set<string>();
  for (const [entry, { root, segment }] of parts.entries()) {
    const key = `${root} ${segment}`;
    if (seen.has(key))
      throw new AuditError({ code: 'repeated-entry', entry }, `the audit names segment ${segment} twice`);
    seen.add(key);
  }
  return { challenge, parts, receipts };
}

function openReceipt(
  challenge: Challenge,
  item: AuditSetEntry,
  entry: number,
  isKnown: (receipt: Uint8Array) => boolean,
): StoreReceipt {
  let receipt: StoreReceipt;
  try {
    receipt = decodeStoreReceipt(item.receipt);
  } catch (cause) {
    if (cause instanceof StructureError) throw badReceipt(entry, cause.message, cause);
    throw cause;
  }
  if (!equalBytes(receipt.network, challenge.network)) throw badReceipt(entry, 'it is of another network');
  if (!equalBytes(receipt.holder, challenge.prover)) throw badReceipt(entry, 'it is of another holder');
  if (!receipt.segment.equals(item.segment)) throw badReceipt(entry, 'it is for another segment');
  if (!isSubsetOf(item.indices, receipt.indices)) throw badReceipt(entry, 'it does not cover all shards asked for');
  if (!isKnown(item.receipt) && !verifyStoreReceipt(receipt)) throw badReceipt(entry, 'it is not signed by its holder');
  return receipt;
}

function badReceipt(entry: number, reason: string, cause?: unknown): AuditError {
  const message = `the store receipt of entry ${entry} of the audit is refused: ${reason}`;
  return new AuditError({ code: 'bad-receipt', entry, reason }, message, cause === undefined ? undefined : { cause });
}

/**
 * Checks that the challenge is about exactly these shards with these commitments.
 *
 * @throws AuditError wrong-count, wrong-digest
 */
export function checkAuditSet(
  challenge: Challenge,
  items: readonly Pick<AuditItem, 'id'>[],
  commitments: readonly Uint8Array[],
): void {
  if (challenge.count !== items.length) {
    const type = { code: 'wrong-count', claimed: challenge.count, shards: items.length } as const;
    throw new AuditError(type, `the challenge counts ${challenge.count} shards, its set holds ${items.length}`);
  }
  const digest = setDigest(
    items.map((item) => item.id),
    commitments,
  );
  if (!equalBytes(digest, challenge.setDigest)) {
    throw new AuditError(
      { code: 'wrong-digest' },
      'the challenge is about other shards or other commitments than its set',
    );
  }
}

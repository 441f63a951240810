import type { AuditErrorType } from '../../protocol/audit-error.ts';
import { encodeAuditReceipt } from '../../protocol/audit-receipt.ts';
import {
  type AuditRefusalReason,
  encodeAuditRefusal,
  signAuditRefusal,
  type UnsignedAuditRefusal,
} from '../../protocol/audit-refusal.ts';
import { type AuditedPart, entriesDigest } from '../../protocol/audit-set.ts';
import { bitmapOf } from '../../protocol/bitmap.ts';
import { toHex } from '../../protocol/bytes.ts';
import { type Challenge, decodeChallenge, encodeChallenge, signChallenge } from '../../protocol/challenge.ts';
import { nodeCid } from '../../protocol/cid.ts';
import type { AuditAnswer, AuditSetEntry } from '../../protocol/messages/audit.ts';
import { encodeRelease, signRelease } from '../../protocol/release.ts';
import { decodeResponse, encodeResponse, responseDigest } from '../../protocol/response.ts';
import type { Signer } from '../../protocol/signature.ts';
import {
  decodeStoreReceipt,
  encodeStoreReceipt,
  signStoreReceipt,
  type UnsignedStoreReceipt,
} from '../../protocol/store-receipt.ts';
import { challengeId } from '../../protocol/transcript.ts';
import { HELD } from './audits.ts';
import { AUDITOR, CREATED, digest, HOLDER, NETWORK, OWNER } from './fixtures.ts';
import { patch } from './mutate.ts';
import type { Built } from './structures.ts';

interface AuditVector {
  readonly why: string;
  readonly receipt: string;
  readonly code: AuditErrorType['code'];
}

interface ExcuseVector {
  readonly why: string;
  readonly receipt: string;
  /** What the refusal counts as, which is not always what it says, and for which entries of the set. */
  readonly countsAs: AuditRefusalReason;
  readonly entries: readonly number[];
}

/** Audit receipts that decode, are signed where they should be, and still must not count. */
export function auditFaults({ object, audit }: Built): AuditVector[] {
  const { request, answers } = audit;
  const { challenge } = request;
  const entry = request.set[0] as AuditSetEntry;
  const signed = answers.passed as Extract<AuditAnswer, { response: Uint8Array }>;
  const id = challengeId(challenge);
  const stored = decodeStoreReceipt(entry.receipt);

  const asked = (
    changes: Partial<Challenge>,
    set: readonly AuditSetEntry[] = request.set,
    signer: Signer = AUDITOR,
  ) => {
    const bytes = encodeChallenge({ ...decodeChallenge(challenge), ...changes });
    return { challenge: bytes, sig: signChallenge(bytes, signer), set };
  };
  const covered = (changes: Partial<UnsignedStoreReceipt>, signer: Signer = HOLDER): AuditSetEntry[] => {
    const { sig: _, ...unsigned } = { ...stored, ...changes };
    return [{ ...entry, receipt: encodeStoreReceipt(signStoreReceipt(unsigned, signer)) }];
  };
  const answered = (
    changes: Partial<ReturnType<typeof decodeResponse>>,
    missing: readonly Uint8Array[],
    lost: readonly number[],
    signer: Signer = HOLDER,
  ): AuditAnswer => {
    const response = encodeResponse({ ...decodeResponse(signed.response), ...changes });
    const ids = object.shards.filter(({ index }) => lost.includes(index)).map((shard) => shard.id);
    return { response, missing, sig: signer.sign(responseDigest(response, ids.sort(Buffer.compare))) };
  };
  const refused = (changes: Partial<UnsignedAuditRefusal>, signer: Signer = HOLDER): AuditAnswer => {
    const unsigned = {
      challengeId: id,
      prover: HOLDER.publicKey,
      reason: 'not-held',
      entries: bitmapOf([0]),
      asked: entriesDigest(partsOf(entry)),
      sentAt: CREATED,
    } as const;
    return { refusal: encodeAuditRefusal(signAuditRefusal({ ...unsigned, ...changes }, signer)) };
  };
  const release = (root: Uint8Array, owner: Signer) => {
    const unsigned = { network: NETWORK, owner: owner.publicKey, root: nodeCid(root), issuedAt: CREATED };
    return encodeRelease(signRelease(unsigned, owner));
  };
  const vector = (
    why: string,
    code: AuditErrorType['code'],
    asks: typeof request,
    answer: AuditAnswer,
  ): AuditVector => {
    return { why, receipt: toHex(encodeAuditReceipt({ request: asks, answer })), code };
  };
  const flippedSig = { ...signed, sig: patch(signed.sig, 0, (signed.sig[0] as number) ^ 1) };
  const released = (bytes: Uint8Array) => refused({ reason: 'released', release: bytes });
  const all = bitmapOf(HELD);

  return [
    vector('a challenge signed by another', 'bad-challenge-signature', asked({}, request.set, OWNER), signed),
    vector('a challenge of another network', 'bad-receipt', asked({ network: digest('another') }), signed),
    vector('a challenge to another prover', 'bad-receipt', asked({ prover: OWNER.publicKey }), signed),
    vector(
      'a receipt of another holder',
      'bad-receipt',
      asked({}, covered({ holder: OWNER.publicKey }, OWNER)),
      signed,
    ),
    vector('a receipt of another network', 'bad-receipt', asked({}, covered({ network: digest('another') })), signed),
    vector('a receipt for another segment', 'bad-receipt', asked({}, covered({ segment: stored.root })), signed),
    vector(
      'a receipt that covers less',
      'bad-receipt',
      asked({}, covered({ indices: bitmapOf(HELD.slice(1)) })),
      signed,
    ),
    vector('a receipt that is none', 'bad-receipt', asked({}, [{ ...entry, receipt: Uint8Array.of(0xa0) }]), signed),
    vector(
      'a receipt that had expired',
      'receipt-expired',
      asked({}, covered({ expiresAt: stored.issuedAt + 1 })),
      signed,
    ),
    vector('an entry twice', 'repeated-entry', asked({}, [entry, entry]), signed),
    vector('a segment that nobody knows', 'unknown-segment', asked({}, unknown(stored, entry)), signed),
    vector('a shard that is never stored', 'unknown-shard', asked({}, wider(stored, entry, 8)), signed),
    vector('a shard past the end', 'unknown-shard', asked({}, wider(stored, entry, 12)), signed),
    vector('a wrong count', 'wrong-count', asked({ count: 3 }), signed),
    vector('a wrong digest', 'wrong-digest', asked({ setDigest: digest('another') }), signed),
    vector(
      'an answer to another challenge',
      'wrong-challenge',
      request,
      answered({ challengeId: digest('another') }, [], []),
    ),
    vector('a refusal of another challenge', 'wrong-challenge', request, refused({ challengeId: digest('another') })),
    vector('an answer signed by another', 'bad-response-signature', request, answered({}, [], [], OWNER)),
    vector('an answer with a flipped bit in its signature', 'bad-response-signature', request, flippedSig),
    vector(
      'a signature over another list',
      'bad-response-signature',
      request,
      answered({ status: 1 }, [bitmapOf([1])], [4]),
    ),
    vector('status 0 with a list', 'bad-missing', request, answered({}, [bitmapOf([1])], [1])),
    vector('status 1 without a list', 'bad-missing', request, answered({ status: 1 }, [], [])),
    vector('status 1 with an empty list', 'bad-missing', request, answered({ status: 1 }, [bitmapOf([])], [])),
    vector('a list too many', 'bad-missing', request, answered({ status: 1 }, [all, all], HELD)),
    vector(
      'a shard missing that was not asked for',
      'bad-missing',
      request,
      answered({ status: 1 }, [bitmapOf([0])], [0]),
    ),
    vector('all missing, yet an opening', 'bad-missing', request, answered({ status: 1 }, [all], HELD)),
    vector('a refusal signed by another', 'bad-refusal', request, refused({ prover: OWNER.publicKey }, OWNER)),
    vector('a refusal about another list of entries', 'bad-refusal', request, refused({ asked: digest('another') })),
    vector('a refusal of an entry that was not asked for', 'bad-refusal', request, refused({ entries: bitmapOf([1]) })),
    vector('a release of another object', 'bad-refusal', request, released(release(object.segmentBytes, OWNER))),
    vector('a release signed by the holder', 'bad-refusal', request, released(release(object.rootBytes, HOLDER))),
  ];
}

/** Refusals that say `expired`, by the time in the store receipt and the one that the holder says it answers at. */
export function excuses({ audit: { request } }: Built): ExcuseVector[] {
  const entry = request.set[0] as AuditSetEntry;
  const { sig: _, ...stored } = decodeStoreReceipt(entry.receipt);
  const { issuedAt, deadlineMs } = decodeChallenge(request.challenge);
  const sentAt = issuedAt + 1000;
  const far = issuedAt + 365 * 24 * 3_600_000;
  const vector = (why: string, expiresAt: number, countsAs: AuditRefusalReason, at = sentAt): ExcuseVector => {
    const receipt = encodeStoreReceipt(signStoreReceipt({ ...stored, expiresAt }, HOLDER));
    const asked = { ...request, set: [{ ...entry, receipt }] };
    const unsigned = {
      challengeId: challengeId(request.challenge),
      prover: HOLDER.publicKey,
      reason: 'expired',
      entries: bitmapOf([0]),
      asked: entriesDigest(partsOf(entry)),
      sentAt: at,
    } as const;
    const answer = { refusal: encodeAuditRefusal(signAuditRefusal(unsigned, HOLDER)) };
    return { why, receipt: toHex(encodeAuditReceipt({ request: asked, answer })), countsAs, entries: [0] };
  };
  return [
    vector('a promise until released', 0, 'not-held'),
    vector('a promise of another year', far, 'not-held'),
    vector('a promise of another year, answered in a year', far, 'not-held', far + 1),
    vector('just beyond the difference of two clocks', sentAt + 120_001, 'not-held'),
    vector('just within it', sentAt + 120_000, 'expired'),
    vector('within it, after a late answer', issuedAt + deadlineMs + 120_000, 'expired', far),
    vector('long ago', issuedAt - 3_000_000, 'expired'),
  ];
}

function partsOf({ segment, indices, receipt }: AuditSetEntry): AuditedPart[] {
  return [{ root: decodeStoreReceipt(receipt).root, segment, indices }];
}

function unknown(stored: UnsignedStoreReceipt & { sig: Uint8Array }, entry: AuditSetEntry): AuditSetEntry[] {
  const segment = nodeCid(digest('segment'));
  const { sig: _, ...unsigned } = { ...stored, segment };
  return [{ ...entry, segment, receipt: encodeStoreReceipt(signStoreReceipt(unsigned, HOLDER)) }];
}

/** The holder promised, and is asked for, an index at which no shard is stored. */
function wider(
  stored: UnsignedStoreReceipt & { sig: Uint8Array },
  entry: AuditSetEntry,
  index: number,
): AuditSetEntry[] {
  const indices = bitmapOf([...HELD, index]);
  const { sig: _, ...unsigned } = { ...stored, indices };
  return [{ ...entry, indices, receipt: encodeStoreReceipt(signStoreReceipt(unsigned, HOLDER)) }];
}

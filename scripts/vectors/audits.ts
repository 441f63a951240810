import type { Backend } from '../../node/kzg/library.ts';
import { encodeAuditReceipt } from '../../protocol/audit-receipt.ts';
import { encodeAuditRefusal, signAuditRefusal } from '../../protocol/audit-refusal.ts';
import { entriesDigest, setDigest } from '../../protocol/audit-set.ts';
import { bitmapOf } from '../../protocol/bitmap.ts';
import { compareBytes, toHex } from '../../protocol/bytes.ts';
import { encodeChallenge, signChallenge } from '../../protocol/challenge.ts';
import { nodeCid } from '../../protocol/cid.ts';
import { PROOF_BYTES } from '../../protocol/constants.ts';
import { type AuditAnswer, type AuditRequest, auditAnswer, auditRequest } from '../../protocol/messages/audit.ts';
import { encodeRelease, signRelease } from '../../protocol/release.ts';
import { encodeResponse, responseDigest } from '../../protocol/response.ts';
import { encodeStoreReceipt, signStoreReceipt } from '../../protocol/store-receipt.ts';
import { auditOpening, challengeId } from '../../protocol/transcript.ts';
import { AUDITOR, CREATED, combine, digest, HOLDER, NETWORK, OWNER, type StoredObject } from './fixtures.ts';

/** Data and parity of the full stripe, data and parity of the short one. */
export const HELD = [1, 4, 6, 11];
const ISSUED_AT = CREATED + 60_000;
const ASKED_AT = CREATED + 3_600_000;
const ANSWERED_AT = ASKED_AT + 102;

export interface AuditCase {
  readonly request: AuditRequest;
  /** By name; each is an answer to the same request. */
  readonly answers: Readonly<Record<'passed' | 'partlyMissing' | 'allMissing' | 'released' | 'busy', AuditAnswer>>;
  readonly receipt: Uint8Array;
  readonly release: Uint8Array;
}

export function auditCase(object: StoredObject, backend: Pick<Backend, 'open'>): AuditCase {
  const root = nodeCid(object.rootBytes);
  const segment = nodeCid(object.segmentBytes);
  const indices = bitmapOf(HELD);
  const promise = { network: NETWORK, holder: HOLDER.publicKey, owner: OWNER.publicKey, root, segment, indices };
  const receipt = encodeStoreReceipt(signStoreReceipt({ ...promise, issuedAt: ISSUED_AT, expiresAt: 0 }, HOLDER));
  const unsigned = { network: NETWORK, owner: OWNER.publicKey, root, issuedAt: ASKED_AT - 1000 };
  const release = encodeRelease(signRelease(unsigned, OWNER));

  const held = object.shards.filter(({ index }) => HELD.includes(index)).sort((a, b) => compareBytes(a.id, b.id));
  const ids = held.map(({ id }) => id);
  const challenge = encodeChallenge({
    network: NETWORK,
    prover: HOLDER.publicKey,
    auditor: AUDITOR.publicKey,
    setDigest: setDigest(
      ids,
      held.map(({ commitment }) => commitment),
    ),
    count: held.length,
    nonce: digest('holdfast structures: nonce'),
    issuedAt: ASKED_AT,
    deadlineMs: 5000,
  });
  const request = { challenge, sig: signChallenge(challenge, AUDITOR), set: [{ segment, indices, receipt }] };

  const answerWithout = (lost: readonly number[]): AuditAnswer => {
    const missing = held.filter(({ index }) => lost.includes(index)).map(({ id }) => id);
    const { positions, coefficients, z } = auditOpening(challenge, ids, missing);
    const shards = positions.map((i) => (held[i] as (typeof held)[number]).shard);
    const nothing = { y: new Uint8Array(32), proof: new Uint8Array(PROOF_BYTES) };
    const { y, proof } = shards.length === 0 ? nothing : backend.open(combine(coefficients, shards), z);
    const status = missing.length === 0 ? 0 : 1;
    const response = encodeResponse({ challengeId: challengeId(challenge), status, y, proof, sentAt: ANSWERED_AT });
    const bitmaps = status === 0 ? [] : [bitmapOf(lost)];
    return { response, missing: bitmaps, sig: HOLDER.sign(responseDigest(response, missing)) };
  };
  const refusal = { challengeId: challengeId(challenge), prover: HOLDER.publicKey, sentAt: ANSWERED_AT };
  const asked = entriesDigest([{ root, segment, indices }]);
  const entries = bitmapOf([0]);
  const released = signAuditRefusal({ ...refusal, reason: 'released', entries, asked, release }, HOLDER);
  const busy = signAuditRefusal({ ...refusal, reason: 'busy-until', until: ANSWERED_AT + 30_000 }, HOLDER);
  return {
    request,
    receipt,
    release,
    answers: {
      passed: answerWithout([]),
      partlyMissing: answerWithout([4, 6]),
      allMissing: answerWithout(HELD),
      released: { refusal: encodeAuditRefusal(released) },
      busy: { refusal: encodeAuditRefusal(busy) },
    },
  };
}

/** The audits as the vectors show them. */
export function auditVectors({ request, answers }: AuditCase): object {
  const shown = Object.entries(answers).map(([name, answer]) => {
    const bytes = {
      answer: toHex(auditAnswer.encode(answer)),
      receipt: toHex(encodeAuditReceipt({ request, answer })),
    };
    return [name, bytes];
  });
  return { held: HELD, request: toHex(auditRequest.encode(request)), answers: Object.fromEntries(shown) };
}

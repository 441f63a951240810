import { HASH_BYTES, PEER_KEY_BYTES } from './constants.ts';
import { bitmap, byteString, fixedBytes, oneOf, optional, timestamp } from './fields.ts';
import { MAX_RELEASE_BYTES } from './release.ts';
import type { Signer } from './signature.ts';
import { signedStructure } from './signed-structure.ts';

/** Entries of an audit's set: each takes more than 400 bytes of a request of 1 MiB. */
export const MAX_AUDIT_ENTRIES = 2048;
export const MAX_AUDIT_REFUSAL_BYTES = 2048;

export type AuditRefusalReason = 'released' | 'expired' | 'not-held' | 'busy-until';

export interface UnsignedAuditRefusal {
  readonly challengeId: Uint8Array;
  /** Public key of the peer that was asked, who signs. */
  readonly prover: Uint8Array;
  readonly reason: AuditRefusalReason;
  /** The entries of the set it is about, as a bitmap; all but `busy-until`. */
  readonly entries?: Uint8Array;
  /** `entriesDigest` of the set that they are positions in; with `entries`. */
  readonly asked?: Uint8Array;
  /** The encoded release; `released` only. */
  readonly release?: Uint8Array;
  /** When to ask again, ms since 1970; `busy-until` only. */
  readonly until?: number;
  readonly sentAt: number;
}

/** Why a prover answers no opening at all (protocol v1 §5). */
export interface AuditRefusal extends UnsignedAuditRefusal {
  readonly sig: Uint8Array;
}

const codec = signedStructure<UnsignedAuditRefusal>({
  name: 'audit refusal',
  tag: 'refusal',
  maxBytes: MAX_AUDIT_REFUSAL_BYTES,
  fields: {
    challengeId: fixedBytes(HASH_BYTES),
    prover: fixedBytes(PEER_KEY_BYTES),
    reason: oneOf('released', 'expired', 'not-held', 'busy-until'),
    entries: optional(bitmap(MAX_AUDIT_ENTRIES)),
    asked: optional(fixedBytes(HASH_BYTES)),
    release: optional(byteString(MAX_RELEASE_BYTES, 1)),
    until: optional(timestamp),
    sentAt: timestamp,
  },
  signedBy: (refusal) => refusal.prover,
  check: ({ reason, entries, asked, release, until }) => {
    if ((reason === 'busy-until') !== (until !== undefined)) return 'until belongs to busy-until, and only to it';
    if ((reason === 'released') !== (release !== undefined)) return 'a release belongs to released, and only to it';
    if ((reason === 'busy-until') !== (entries === undefined)) return 'it must name entries unless the prover is busy';
    if ((entries === undefined) !== (asked === undefined)) return 'entries come with the digest of what was asked';
    return undefined;
  },
});

/** @throws StructureError */
export function encodeAuditRefusal(refusal: AuditRefusal): Uint8Array {
  return codec.encode(refusal);
}

/** Checks everything but the signature. @throws StructureError */
export function decodeAuditRefusal(bytes: Uint8Array): AuditRefusal {
  return codec.decode(bytes);
}

/** @throws StructureError; RangeError when the signer is not the prover. */
export function signAuditRefusal(unsigned: UnsignedAuditRefusal, signer: Signer): AuditRefusal {
  return codec.sign(unsigned, signer);
}

export function verifyAuditRefusal(refusal: AuditRefusal): boolean {
  return codec.verify(refusal);
}

import { concat, u32, u64 } from './bytes.ts';
import { malformed } from './cbor.ts';
import { HASH_BYTES, MAX_AUDIT_SHARDS, PEER_KEY_BYTES } from './constants.ts';
import { taggedHash } from './hash.ts';
import { type Signer, verifySignature } from './signature.ts';

export const CHALLENGE_BYTES = 218;
const VERSION = 1;
/** Offsets of the fields; the layout is that of protocol v1 §5. */
const AT = {
  network: 2,
  prover: 34,
  auditor: 66,
  setDigest: 98,
  count: 130,
  beaconRound: 134,
  beacon: 142,
  nonce: 174,
  issuedAt: 206,
  deadline: 214,
} as const;

/** A question to one prover about one set of shards; what version 1 fixes (beacon kind 0) is left out. */
export interface Challenge {
  readonly network: Uint8Array;
  readonly prover: Uint8Array;
  readonly auditor: Uint8Array;
  readonly setDigest: Uint8Array;
  /** Shards in the set, 1 … 16,384. */
  readonly count: number;
  /** 32 fresh random bytes. */
  readonly nonce: Uint8Array;
  readonly issuedAt: number;
  readonly deadlineMs: number;
}

/** @throws StructureError */
export function encodeChallenge(challenge: Challenge): Uint8Array {
  const { network, prover, auditor, setDigest, count, nonce, issuedAt, deadlineMs } = challenge;
  for (const bytes of [network, prover, auditor, setDigest, nonce]) {
    if (bytes.length !== HASH_BYTES) throw malformed('challenge', 'a field does not have 32 bytes');
  }
  checkNumbers(count, issuedAt, deadlineMs);
  const beacon = new Uint8Array(AT.nonce - AT.beaconRound);
  return concat(
    Uint8Array.of(VERSION, 0),
    network,
    prover,
    auditor,
    setDigest,
    u32(count),
    beacon,
    nonce,
    u64(issuedAt),
    u32(deadlineMs),
  );
}

/** @throws StructureError */
export function decodeChallenge(bytes: Uint8Array): Challenge {
  if (bytes.length !== CHALLENGE_BYTES)
    throw malformed('challenge', `${bytes.length} bytes, but it takes ${CHALLENGE_BYTES}`);
  if (bytes[0] !== VERSION) throw malformed('challenge', `version ${bytes[0]} is not known, update this program`);
  if (bytes[1] !== 0) throw malformed('challenge', `beacon kind ${bytes[1]} is not part of version 1`);
  if (bytes.subarray(AT.beaconRound, AT.nonce).some((byte) => byte !== 0)) {
    throw malformed('challenge', 'it holds a beacon, but its kind is 0');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = view.getUint32(AT.count);
  const issuedAt = Number(view.getBigUint64(AT.issuedAt));
  const deadlineMs = view.getUint32(AT.deadline);
  checkNumbers(count, issuedAt, deadlineMs);
  return {
    network: bytes.slice(AT.network, AT.network + HASH_BYTES),
    prover: bytes.slice(AT.prover, AT.prover + PEER_KEY_BYTES),
    auditor: bytes.slice(AT.auditor, AT.auditor + PEER_KEY_BYTES),
    setDigest: bytes.slice(AT.setDigest, AT.setDigest + HASH_BYTES),
    count,
    nonce: bytes.slice(AT.nonce, AT.issuedAt),
    issuedAt,
    deadlineMs,
  };
}

function checkNumbers(count: number, issuedAt: number, deadlineMs: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MAX_AUDIT_SHARDS) {
    throw malformed('challenge', `it covers ${count} shards, not 1 to ${MAX_AUDIT_SHARDS}`);
  }
  if (!Number.isSafeInteger(issuedAt) || issuedAt < 0) throw malformed('challenge', 'its time is out of range');
  if (!Number.isInteger(deadlineMs) || deadlineMs < 1 || deadlineMs >= 2 ** 32) {
    throw malformed('challenge', 'its deadline is out of range');
  }
}

/** @param challenge the 218 bytes. */
export function signChallenge(challenge: Uint8Array, auditor: Signer): Uint8Array {
  return auditor.sign(taggedHash('challenge', challenge));
}

export function verifyChallenge(challenge: Uint8Array, auditor: Uint8Array, signature: Uint8Array): boolean {
  return verifySignature(auditor, taggedHash('challenge', challenge), signature);
}

import { expand_message_xmd } from '@noble/curves/abstract/hash-to-curve.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bigIntToBytes, bytesToBigInt, toHex, u32 } from './bytes.ts';
import { FIELD_ELEMENT_BYTES } from './constants.ts';
import { FR_MODULUS } from './field.ts';
import { taggedHash } from './hash.ts';

/**
 * Everything that both sides of an audit derive from the 218 bytes of the challenge (protocol v1 §5). The point and
 * the coefficients are bound to the prover's key through the challenge, so that nobody else's opening fits.
 */

const RHO_BYTES = 16;
const Z_TAG = 'HOLDFAST1_AUDIT_Z_XMD:SHA-256_FR';
/** ⌈(255 + 128) / 8⌉ of RFC 9380 §5.1: the bias of the reduction mod r stays below 2^-128. */
const Z_BYTES = 48;

export function challengeId(challenge: Uint8Array): Uint8Array {
  return taggedHash('challenge-id', challenge);
}

export function auditSeed(challenge: Uint8Array): Uint8Array {
  return taggedHash('audit-seed', challenge);
}

/** seed′ of an answer that leaves out the missing ids, which are ascending and unique. */
export function subsetSeed(seed: Uint8Array, missing: readonly Uint8Array[]): Uint8Array {
  return taggedHash('audit-subset', seed, u32(missing.length), ...missing);
}

/** ρ of a shard: 128 bits. */
export function rho(seed: Uint8Array, shardId: Uint8Array): bigint {
  return bytesToBigInt(taggedHash('audit-rho', seed, shardId).subarray(0, RHO_BYTES));
}

/** z: 32 bytes, big-endian, below r. RFC 9380 §5.3.1 with SHA-256. */
export function evaluationPoint(seed: Uint8Array): Uint8Array {
  const uniform = expand_message_xmd(seed, Z_TAG, Z_BYTES, sha256);
  return bigIntToBytes(bytesToBigInt(uniform) % FR_MODULUS, FIELD_ELEMENT_BYTES);
}

/** What is opened: f = Σ coefficients[i] · shard of ids[i], at z. */
export interface AuditOpening {
  /** Positions in the ids of the set that the answer covers, ascending. */
  readonly positions: readonly number[];
  /** One per position. */
  readonly coefficients: readonly bigint[];
  readonly z: Uint8Array;
}

/**
 * @param ids ids of the whole set, ascending and unique.
 * @param missing ids declared lost, ascending and unique, each of them in `ids`.
 */
export function auditOpening(
  challenge: Uint8Array,
  ids: readonly Uint8Array[],
  missing: readonly Uint8Array[],
): AuditOpening {
  const whole = auditSeed(challenge);
  const seed = missing.length === 0 ? whole : subsetSeed(whole, missing);
  const lost = new Set(missing.map(toHex));
  const positions = ids.flatMap((id, i) => (lost.has(toHex(id)) ? [] : [i]));
  const coefficients = positions.map((i) => rho(seed, ids[i] as Uint8Array));
  return { positions, coefficients, z: evaluationPoint(seed) };
}

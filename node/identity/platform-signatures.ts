import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { concat, fromHex, toHex } from '../../protocol/bytes.ts';
import type { SignatureCheck } from '../../protocol/signature.ts';
import { WeightedCache } from '../weighted-cache.ts';

/** Keys kept: about 1 KiB each. */
const MAX_KEYS = 4096;
/** SubjectPublicKeyInfo of RFC 8410 §4 around a 32-byte key. */
const SPKI_PREFIX = fromHex('302a300506032b6570032100');

const keys = new WeightedCache<KeyObject>(MAX_KEYS);

/**
 * The platform's own Ed25519 (OpenSSL), some twenty times as fast as the one in JavaScript. It accepts less than RFC 8032
 * allows: it refuses s ≥ L, and compares the encoding of [s]B − [k]A with R byte by byte, so that R is canonical and the
 * equation holds without the cofactor as well. Only of the key it asks less than `verifySignature`: that is checked here,
 * once for each key.
 */
export const platformAccepts: SignatureCheck = (publicKey, digest, signature) => {
  try {
    const key = keyOf(publicKey);
    return key !== undefined && verify(null, digest, key, signature);
  } catch {
    // A key that is no point, or a platform without this curve: nothing is accepted.
    return false;
  }
};

/** Undefined for a point of small order. @throws for what is no canonical encoding of a point */
function keyOf(publicKey: Uint8Array): KeyObject | undefined {
  const name = toHex(publicKey);
  const known = keys.get(name);
  if (known !== undefined) return known;
  if (ed25519.Point.fromBytes(publicKey, false).isSmallOrder()) return undefined;
  const key = createPublicKey({ key: Buffer.from(concat(SPKI_PREFIX, publicKey)), format: 'der', type: 'spki' });
  keys.set(name, key, 1);
  return key;
}

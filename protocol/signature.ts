import { ed25519 } from '@noble/curves/ed25519.js';
import { PEER_KEY_BYTES, SIGNATURE_BYTES } from './constants.ts';

/** Signs with a node's Ed25519 identity. */
export interface Signer {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** @param digest `H(tag, bytes)`, 32 bytes. @returns 64 bytes. */
  sign(digest: Uint8Array): Uint8Array;
}

/** Checks a signature of 64 bytes over a digest by a key of 32 bytes. */
export type SignatureCheck = (publicKey: Uint8Array, digest: Uint8Array, signature: Uint8Array) => boolean;

let accepts: SignatureCheck = () => false;

/**
 * A faster check that is asked first. It must accept nothing that `verifySignature` refuses by itself; what it does not accept
 * is decided as without it, so that the verdict is the same on every machine.
 */
export function acceptSignaturesBy(faster: SignatureCheck): void {
  accepts = faster;
}

/** RFC 8032 §5.1.7, strict: canonical points and scalars only, no small-order keys. False for any malformed input. */
export function verifySignature(publicKey: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== PEER_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  return accepts(publicKey, digest, signature) || strictly(publicKey, digest, signature);
}

const strictly: SignatureCheck = (publicKey, digest, signature) =>
  ed25519.verify(signature, digest, publicKey, { zip215: false });

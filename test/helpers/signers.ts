import { ed25519 } from '@noble/curves/ed25519.js';
import type { Signer } from '../../protocol/signature.ts';
import { sha256 } from './sample-object.ts';

/** A deterministic identity by name. */
export function signerOf(name: string): Signer {
  const seed = sha256(Buffer.from(`signer ${name}`));
  return { publicKey: ed25519.getPublicKey(seed), sign: (digest) => ed25519.sign(digest, seed) };
}

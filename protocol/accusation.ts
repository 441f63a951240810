import { HASH_BYTES, PEER_KEY_BYTES } from './constants.ts';
import { byteString, fixedBytes, timestamp } from './fields.ts';
import type { Signer } from './signature.ts';
import { signedStructure } from './signed-structure.ts';

/** A receipt about one segment: a store receipt of 9 KiB, two bitmaps of 8 KiB and fields of fixed width. */
export const MAX_BUNDLE_BYTES = 28 * 1024;
export const MAX_ACCUSATION_BYTES = MAX_BUNDLE_BYTES + 1024;

export interface UnsignedAccusation {
  readonly network: Uint8Array;
  /** Public key of the auditor who found it, and who signs. */
  readonly accuser: Uint8Array;
  /** An encoded audit receipt about one segment whose pairing fails. */
  readonly bundle: Uint8Array;
  readonly issuedAt: number;
}

/**
 * Gossip of an integrity failure. The bundle alone proves it; the signature makes the accuser answer for it. Without one a
 * holder could spread the receipt of an audit that it passed and say that the auditor lied.
 */
export interface Accusation extends UnsignedAccusation {
  readonly sig: Uint8Array;
}

const codec = signedStructure<UnsignedAccusation>({
  name: 'accusation',
  tag: 'accusation',
  maxBytes: MAX_ACCUSATION_BYTES,
  fields: {
    network: fixedBytes(HASH_BYTES),
    accuser: fixedBytes(PEER_KEY_BYTES),
    bundle: byteString(MAX_BUNDLE_BYTES, 1),
    issuedAt: timestamp,
  },
  signedBy: (accusation) => accusation.accuser,
});

/** @throws StructureError */
export function encodeAccusation(accusation: Accusation): Uint8Array {
  return codec.encode(accusation);
}

/** Checks everything but the signature. @throws StructureError */
export function decodeAccusation(bytes: Uint8Array): Accusation {
  return codec.decode(bytes);
}

/** @throws StructureError; RangeError when the signer is not the accuser. */
export function signAccusation(unsigned: UnsignedAccusation, signer: Signer): Accusation {
  return codec.sign(unsigned, signer);
}

export function verifyAccusation(accusation: Accusation): boolean {
  return codec.verify(accusation);
}

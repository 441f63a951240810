import type { CID } from 'multiformats/cid';
import { HASH_BYTES, PEER_KEY_BYTES } from './constants.ts';
import { fixedBytes, link, timestamp } from './fields.ts';
import type { Signer } from './signature.ts';
import { signedStructure } from './signed-structure.ts';

export const MAX_RELEASE_BYTES = 512;

export interface UnsignedRelease {
  readonly network: Uint8Array;
  /** Public key of the object's owner, who signs. */
  readonly owner: Uint8Array;
  readonly root: CID;
  readonly issuedAt: number;
}

/** The owner's leave to forget an object (protocol v1 §4.6). */
export interface Release extends UnsignedRelease {
  readonly sig: Uint8Array;
}

const codec = signedStructure<UnsignedRelease>({
  name: 'release',
  tag: 'release',
  maxBytes: MAX_RELEASE_BYTES,
  fields: {
    network: fixedBytes(HASH_BYTES),
    owner: fixedBytes(PEER_KEY_BYTES),
    root: link('node'),
    issuedAt: timestamp,
  },
  signedBy: (release) => release.owner,
});

/** @throws StructureError */
export function encodeRelease(release: Release): Uint8Array {
  return codec.encode(release);
}

/** Checks everything but the signature. @throws StructureError */
export function decodeRelease(bytes: Uint8Array): Release {
  return codec.decode(bytes);
}

/** @throws StructureError; RangeError when the signer is not the owner. */
export function signRelease(unsigned: UnsignedRelease, signer: Signer): Release {
  return codec.sign(unsigned, signer);
}

export function verifyRelease(release: Release): boolean {
  return codec.verify(release);
}

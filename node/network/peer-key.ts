import { generateKeyPairFromSeed, publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey, PeerId } from '@libp2p/interface';
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id';
import { PEER_KEY_BYTES } from '../../protocol/constants.ts';
import { NetworkError } from './errors.ts';

/** A peer id of an Ed25519 key is 52 characters; longer text is refused before it is parsed. */
const MAX_PEER_ID_LENGTH = 64;

/** The libp2p identity of a 32-byte Ed25519 seed (RFC 8032 §5.1.5 secret key). */
export async function privateKeyFromSeed(seed: Uint8Array): Promise<Ed25519PrivateKey> {
  if (seed.length !== PEER_KEY_BYTES) throw new RangeError(`an Ed25519 seed has 32 bytes, not ${seed.length}`);
  return generateKeyPairFromSeed('Ed25519', seed);
}

/** `12D3Koo…` of a 32-byte Ed25519 public key. @throws NetworkError bad-peer-id */
export function peerIdFromKey(publicKey: Uint8Array): string {
  if (publicKey.length !== PEER_KEY_BYTES) throw badPeerId(`a key of ${publicKey.length} bytes`);
  try {
    return peerIdFromPublicKey(publicKeyFromRaw(publicKey)).toString();
  } catch (cause) {
    throw badPeerId('a public key', cause);
  }
}

/** The 32-byte Ed25519 public key of `12D3Koo…`. @throws NetworkError bad-peer-id */
export function keyFromPeerId(peer: string): Uint8Array {
  return keyOf(parsePeerId(peer));
}

/** @throws NetworkError bad-peer-id: not a peer id, or not one of an Ed25519 key */
export function parsePeerId(peer: string): PeerId {
  if (peer.length > MAX_PEER_ID_LENGTH) throw badPeerId(`a text of ${peer.length} characters`);
  try {
    return peerIdFromString(peer);
  } catch (cause) {
    throw badPeerId(`"${peer}"`, cause);
  }
}

/** The raw public key of a connected peer. @throws NetworkError bad-peer-id */
export function keyOf(peer: PeerId): Uint8Array {
  if (peer.type !== 'Ed25519' || peer.publicKey === undefined) throw badPeerId(`"${peer.toString()}"`);
  return Uint8Array.from(peer.publicKey.raw);
}

function badPeerId(what: string, cause?: unknown): NetworkError {
  return new NetworkError(
    { code: 'bad-peer-id' },
    `${what} is not the id of an Ed25519 peer; such an id begins with 12D3Koo`,
    { cause },
  );
}

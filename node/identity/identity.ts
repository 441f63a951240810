import { createPrivateKey, hkdfSync, type KeyObject, sign } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { generateMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { base58btc } from 'multiformats/bases/base58';
import { concat, fromHex } from '../../protocol/bytes.ts';
import { PEER_KEY_BYTES } from '../../protocol/constants.ts';
import { IdentityError } from './identity-error.ts';

/** The node's key pair and names, derived from its 32-byte Ed25519 seed (RFC 8032 §5.1.5). */
export interface Identity {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  /** libp2p peer id, `12D3Koo…`. */
  readonly peerId: string;
  /** Signs `message` as it is (callers hash with a tag first). 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

/** 24 words: 256 bits. */
const PHRASE_ENTROPY_BITS = 256;
const PHRASE_WORDS = 24;
const DERIVATION_INFO = 'HOLDFAST1/identity';

export function createPhrase(): string {
  return generateMnemonic(wordlist, PHRASE_ENTROPY_BITS);
}

/** Lower case, one blank between words: what people type differs in both. */
export function normalizePhrase(text: string): string {
  return text.normalize('NFKD').trim().toLowerCase().split(/\s+/).join(' ');
}

/**
 * Identity derivation, version 1, fixed for ever (test vector: `test/vectors/identity.json`):
 * 24-word BIP-39 phrase, English list → 64-byte BIP-39 seed, no passphrase
 * → HKDF-SHA-256(seed, salt = empty, info = "HOLDFAST1/identity", 32 bytes) → Ed25519 seed.
 * @throws IdentityError invalid-phrase
 */
export function identityFromPhrase(text: string): Identity {
  const phrase = normalizePhrase(text);
  const words = phrase === '' ? [] : phrase.split(' ');
  if (words.length !== PHRASE_WORDS) {
    throw new IdentityError(
      { code: 'invalid-phrase' },
      `the recovery phrase has ${words.length} words: it must have ${PHRASE_WORDS}`,
    );
  }
  const unknown = words.findIndex((word) => !wordlist.includes(word));
  if (unknown >= 0) {
    // The word itself is not repeated: it may be a mistyped secret that ends in a log.
    throw new IdentityError(
      { code: 'invalid-phrase' },
      `word ${unknown + 1} of the recovery phrase is not in the list: check its spelling`,
    );
  }
  if (!validateMnemonic(phrase, wordlist)) {
    throw new IdentityError(
      { code: 'invalid-phrase' },
      'the checksum of the recovery phrase does not match: check the order of the words',
    );
  }
  const seed = hkdfSync('sha256', mnemonicToSeedSync(phrase), new Uint8Array(0), DERIVATION_INFO, PEER_KEY_BYTES);
  return identityFromSeed(new Uint8Array(seed));
}

/** @param seed 32 bytes, the Ed25519 private key of RFC 8032 */
export function identityFromSeed(seed: Uint8Array): Identity {
  if (seed.length !== PEER_KEY_BYTES) throw new RangeError(`an Ed25519 seed has ${PEER_KEY_BYTES} bytes`);
  const publicKey = ed25519.getPublicKey(seed);
  const key = privateKeyObject(seed);
  return {
    seed,
    publicKey,
    peerId: peerIdOf(publicKey),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

/** PrivateKeyInfo of RFC 8410 §7 around a 32-byte seed. */
const PKCS8_PREFIX = fromHex('302e020100300506032b657004220420');

function privateKeyObject(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(concat(PKCS8_PREFIX, seed)), format: 'der', type: 'pkcs8' });
}

/** Identity multihash of the protobuf `PublicKey { Type: Ed25519, Data }` (libp2p peer-ids specification). */
const PEER_ID_PREFIX = fromHex('002408011220');

/** The libp2p peer id of an Ed25519 public key, without loading libp2p. */
export function peerIdOf(publicKey: Uint8Array): string {
  return base58btc.encode(concat(PEER_ID_PREFIX, publicKey)).slice(1);
}

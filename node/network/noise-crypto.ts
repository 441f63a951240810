import { createSecretKey, type KeyObject } from 'node:crypto';
import { defaultCrypto, nodeCrypto } from '@libp2p/noise/crypto';
import { freeBuffer } from '../free-bytes.ts';
import { freeDecrypted, remember } from './message-memory.ts';

/** Below this the library's own choice, WebAssembly, is faster. */
const SMALL_MESSAGE_BYTES = 1_200;

/** Keys of connections, as OpenSSL holds them. A cipher state of the library keeps one array for its key, unchanged. */
const keys = new WeakMap<Uint8Array, KeyObject>();

/** For `createCipheriv`, which takes either; the library's types only know the bytes. */
function keyObject(key: Uint8Array): Uint8Array {
  const known = keys.get(key) ?? createSecretKey(key);
  keys.set(key, known);
  return known as unknown as Uint8Array;
}

type Bytes = Parameters<typeof defaultCrypto.chaCha20Poly1305Decrypt>[0];

function chunksOf(bytes: Bytes): Iterable<Uint8Array> {
  return bytes instanceof Uint8Array ? [bytes] : bytes;
}

/** The library offers the ciphertext's own memory to write to; where that lies in several chunks, it is a copy that OpenSSL ignores. */
function freeDestination(into: Uint8Array | undefined, ciphertext: Bytes): void {
  if (into === undefined || into.byteLength !== into.buffer.byteLength) return;
  for (const { buffer } of chunksOf(ciphertext)) if (buffer === into.buffer) return;
  freeBuffer(into.buffer);
}

/**
 * The library's cryptography, but for two things. From bytes, Node makes a key object anew for every message, which takes
 * 20 µs and is a fifth of what a message of 64 KiB costs. And the memory of large messages is freed as soon as they were
 * passed on: the ciphertext that is decrypted is gone afterwards.
 */
export const noiseCrypto: typeof defaultCrypto = {
  ...defaultCrypto,
  chaCha20Poly1305Encrypt(plaintext, nonce, ad, key) {
    if (plaintext.byteLength < SMALL_MESSAGE_BYTES) {
      return defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key);
    }
    const ciphertext = nodeCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, keyObject(key));
    remember(chunksOf(ciphertext));
    return ciphertext;
  },
  chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, into) {
    if (ciphertext.byteLength < SMALL_MESSAGE_BYTES) {
      // Not in place: what a socket delivered at once is freed with the last message in it, read or not.
      return defaultCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key);
    }
    const plaintext = nodeCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, keyObject(key), into);
    freeDestination(into, ciphertext);
    freeDecrypted(chunksOf(ciphertext));
    remember(chunksOf(plaintext));
    return plaintext;
  },
};

import { createSecretKey, type KeyObject } from 'node:crypto';
import { defaultCrypto, nodeCrypto } from '@libp2p/noise/crypto';

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

/**
 * The library's cryptography, but for the key of each message: from bytes, Node makes a key object anew every time,
 * which takes 20 µs and is a fifth of what a message of 64 KiB costs.
 */
export const noiseCrypto: typeof defaultCrypto = {
  ...defaultCrypto,
  chaCha20Poly1305Encrypt(plaintext, nonce, ad, key) {
    if (plaintext.byteLength < SMALL_MESSAGE_BYTES) {
      return defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key);
    }
    return nodeCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, keyObject(key));
  },
  chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, into) {
    if (ciphertext.byteLength < SMALL_MESSAGE_BYTES) {
      return defaultCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, into);
    }
    return nodeCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, keyObject(key), into);
  },
};

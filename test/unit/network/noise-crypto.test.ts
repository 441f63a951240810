import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { defaultCrypto } from '@libp2p/noise/crypto';
import { Uint8ArrayList } from 'uint8arraylist';
import { noiseCrypto } from '../../../node/network/noise-crypto.ts';

const NOTHING = new Uint8Array(0);
const AD = new Uint8Array([1, 2, 3]);

for (const length of [0, 1, 1183, 1184, 1199, 1200, 65_519]) {
  test(`a message of ${length} bytes is encrypted and decrypted as the library does`, () => {
    const key = new Uint8Array(randomBytes(32));
    const nonce = new Uint8Array(12).fill(7);
    const plain = new Uint8Array(randomBytes(length));
    for (const ad of [NOTHING, AD]) {
      const sealed = new Uint8Array(noiseCrypto.chaCha20Poly1305Encrypt(plain, nonce, ad, key).subarray());
      const expected = defaultCrypto.chaCha20Poly1305Encrypt(plain, nonce, ad, key).subarray();
      assert.deepEqual(sealed, new Uint8Array(expected));
      // Twice: the second time the key is known. Copies, because what is decrypted is gone.
      for (let i = 0; i < 2; i++) {
        const opened = noiseCrypto.chaCha20Poly1305Decrypt(sealed.slice(), nonce, ad, key).subarray();
        assert.deepEqual(new Uint8Array(opened), plain);
      }
      const parts = new Uint8ArrayList(sealed.slice(0, length >> 1), sealed.slice(length >> 1));
      assert.deepEqual(new Uint8Array(noiseCrypto.chaCha20Poly1305Decrypt(parts, nonce, ad, key).subarray()), plain);
    }
  });

  test(`an altered message of ${length} bytes is refused`, () => {
    const key = new Uint8Array(randomBytes(32));
    const nonce = new Uint8Array(12);
    const sealed = new Uint8Array(
      noiseCrypto.chaCha20Poly1305Encrypt(new Uint8Array(length), nonce, AD, key).subarray(),
    );
    sealed[length >> 1] = (sealed[length >> 1] as number) ^ 1;
    assert.throws(() => noiseCrypto.chaCha20Poly1305Decrypt(sealed, nonce, AD, key));
    assert.throws(() => noiseCrypto.chaCha20Poly1305Decrypt(sealed, nonce, AD, new Uint8Array(32)));
  });
}

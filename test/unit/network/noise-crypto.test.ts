import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { defaultCrypto } from '@libp2p/noise/crypto';
import { Uint8ArrayList } from 'uint8arraylist';
import { rememberRead } from '../../../node/network/message-memory.ts';
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

test('a small message keeps its plaintext when the read that it came in is freed', () => {
  const key = new Uint8Array(randomBytes(32));
  const seal = (length: number, byte: number) =>
    noiseCrypto.chaCha20Poly1305Encrypt(new Uint8Array(length).fill(byte), new Uint8Array(12), NOTHING, key).subarray();
  const [small, large] = [seal(300, 1), seal(20_000, 2)];
  const read = new Uint8Array(small.length + large.length);
  read.set(small);
  read.set(large, small.length);
  rememberRead(read);
  const open = (from: number, to: number) => {
    const into = read.subarray(from, to - 16);
    return noiseCrypto
      .chaCha20Poly1305Decrypt(read.subarray(from, to), new Uint8Array(12), NOTHING, key, into)
      .subarray();
  };
  const first = open(0, small.length);
  const second = open(small.length, read.length);
  assert.equal(read.byteLength, 0);
  assert.deepEqual(new Uint8Array(first), new Uint8Array(300).fill(1));
  assert.deepEqual(new Uint8Array(second), new Uint8Array(20_000).fill(2));
});

test('a message of the handshake, which is hashed after it was decrypted, is left alone', () => {
  const key = new Uint8Array(randomBytes(32));
  const nonce = new Uint8Array(12);
  const read = new Uint8Array(noiseCrypto.chaCha20Poly1305Encrypt(new Uint8Array(5000), nonce, AD, key).subarray());
  rememberRead(read);
  noiseCrypto.chaCha20Poly1305Decrypt(read, nonce, AD, key);
  assert.equal(read.byteLength, 5016);
});

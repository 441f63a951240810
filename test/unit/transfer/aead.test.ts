import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aesGcm } from '../../../node/transfer/aead.ts';
import { fromHex, toHex } from '../../../protocol/bytes.ts';

const key = new Uint8Array(32);
const nonce = new Uint8Array(12);

// "The Galois/Counter Mode of Operation" (McGrew, Viega), appendix B, test cases 13 and 14.
const cases = [
  { plaintext: '', sealed: '530f8afbc74536b9a963b4f1c4cb738b' },
  { plaintext: '00'.repeat(16), sealed: 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919' },
];

for (const { plaintext, sealed } of cases) {
  test(`known answer for ${plaintext.length / 2} bytes`, () => {
    assert.equal(toHex(aesGcm.seal(key, nonce, fromHex(plaintext))), sealed);
    assert.equal(toHex(aesGcm.open(key, nonce, fromHex(sealed))), plaintext);
  });
}

test('a changed tag, a missing tag and keys or nonces of another length are refused', () => {
  const sealed = aesGcm.seal(key, nonce, Uint8Array.of(1, 2, 3));
  const altered = sealed.slice();
  altered[18] = (altered[18] as number) ^ 1;
  assert.throws(() => aesGcm.open(key, nonce, altered));
  assert.throws(() => aesGcm.open(key, nonce, sealed.subarray(0, 15)), RangeError);
  assert.throws(() => aesGcm.open(key, Uint8Array.of(1), sealed));
  assert.throws(() => aesGcm.seal(key.subarray(1), nonce, sealed));
});

test('results own their bytes: slices are copies, inputs stay as they were', () => {
  const plaintext = new Uint8Array(1000).fill(9);
  const opened = aesGcm.open(key, nonce, aesGcm.seal(key, nonce, plaintext));
  assert.equal(Object.getPrototypeOf(opened), Uint8Array.prototype);
  opened.fill(0);
  assert.ok(plaintext.every((byte) => byte === 9));
});

import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { test } from 'node:test';
import { fromHex } from '../../../protocol/bytes.ts';
import { verifySignature } from '../../../protocol/signature.ts';
import { identity } from '../../../scripts/vectors/fixtures.ts';

const signer = identity('signature');
const digest = new Uint8Array(32).fill(7);
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

test('a signature of another implementation holds', () => {
  const pkcs8 = Buffer.concat([fromHex('302e020100300506032b657004220420'), signer.seed]);
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const signature = sign(null, digest, key);
  assert.deepEqual(Uint8Array.from(signature), signer.sign(digest));
  assert.equal(verifySignature(signer.publicKey, digest, signature), true);
});

test('another key, digest or signature does not', () => {
  const signature = signer.sign(digest);
  assert.equal(verifySignature(identity('another').publicKey, digest, signature), false);
  assert.equal(verifySignature(signer.publicKey, new Uint8Array(32), signature), false);
  assert.equal(verifySignature(signer.publicKey, digest, new Uint8Array(64)), false);
});

test('wrong lengths and bytes that are no points are false, not an exception', () => {
  const signature = signer.sign(digest);
  assert.equal(verifySignature(new Uint8Array(31), digest, signature), false);
  assert.equal(verifySignature(signer.publicKey, digest, signature.subarray(1)), false);
  assert.equal(verifySignature(new Uint8Array(32).fill(255), digest, signature), false);
  assert.equal(verifySignature(signer.publicKey, digest, new Uint8Array(64).fill(255)), false);
});

test('a signature has one form: s above the group order is refused', () => {
  const signature = signer.sign(digest);
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + ORDER;
  const malleated = Uint8Array.from(signature);
  malleated.set(Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse(), 32);
  assert.equal(verifySignature(signer.publicKey, digest, malleated), false);
});

test('a key of small order, for which anything would verify, is refused', () => {
  const identityPoint = Uint8Array.of(1, ...new Uint8Array(31));
  const forged = Uint8Array.of(...identityPoint, ...new Uint8Array(32));
  assert.equal(verifySignature(identityPoint, digest, forged), false);
});

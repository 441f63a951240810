import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { platformAccepts } from '../../../node/identity/platform-signatures.ts';
import { concat, fromHex } from '../../../protocol/bytes.ts';
import { acceptSignaturesBy, verifySignature } from '../../../protocol/signature.ts';
import { identity } from '../../../scripts/vectors/fixtures.ts';

const { Point } = ed25519;
const { n: ORDER } = Point.CURVE();
const signer = identity('platform signatures');
const digest = new Uint8Array(32).fill(7);
const signature = signer.sign(digest);

after(() => acceptSignaturesBy(() => false));

type Case = readonly [key: Uint8Array, digest: Uint8Array, signature: Uint8Array];

const littleEndian = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
const scalarBytes = (s: bigint) => Uint8Array.from(Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse());

/** A signature whose R, and one by a key that, has a part of small order: it holds with the cofactor, and as a rule not without. */
function withTorsion(torsion: string, ofKey: boolean): Case {
  const part = Point.fromHex(torsion);
  const secret = 1234567890123456789n;
  const nonce = 987654321987654321n;
  const key = ofKey ? Point.BASE.multiply(secret).add(part) : Point.BASE.multiply(secret);
  const R = ofKey ? Point.BASE.multiply(nonce) : Point.BASE.multiply(nonce).add(part);
  const k = littleEndian(sha512(concat(R.toBytes(), key.toBytes(), digest))) % ORDER;
  return [key.toBytes(), digest, concat(R.toBytes(), scalarBytes((nonce + k * secret) % ORDER))];
}

/** For which the equation holds for any message, since the key does not count. */
function bySmallOrder(torsion: string): Case {
  return [fromHex(torsion), digest, concat(Point.BASE.multiply(5n).toBytes(), scalarBytes(5n))];
}

const malleated = concat(signature.subarray(0, 32), scalarBytes(littleEndian(signature.subarray(32)) + ORDER));
/** y = p + 1: another encoding of the neutral element. Those of other points have keys that nobody knows. */
const unreduced = fromHex(`ee${'ff'.repeat(30)}7f`);

const CASES: readonly Case[] = [
  [signer.publicKey, digest, signature],
  [signer.publicKey, digest, malleated],
  [signer.publicKey, new Uint8Array(32), signature],
  [identity('another').publicKey, digest, signature],
  [signer.publicKey, digest, new Uint8Array(64)],
  [new Uint8Array(32).fill(255), digest, signature],
  [unreduced, digest, concat(Point.BASE.multiply(5n).toBytes(), scalarBytes(5n))],
  ...ED25519_TORSION_SUBGROUP.map(bySmallOrder),
  ...ED25519_TORSION_SUBGROUP.flatMap((torsion) => [withTorsion(torsion, true), withTorsion(torsion, false)]),
];

/** With and without the platform's help. */
function verdicts([key, message, sig]: Case): { readonly alone: boolean; readonly helped: boolean } {
  acceptSignaturesBy(() => false);
  const alone = verifySignature(key, message, sig);
  acceptSignaturesBy(platformAccepts);
  return { alone, helped: verifySignature(key, message, sig) };
}

test('the platform accepts a valid signature, also when the key is known', () => {
  assert.ok(platformAccepts(signer.publicKey, digest, signature));
  assert.ok(platformAccepts(signer.publicKey, digest, signature));
});

test('what the platform accepts is what the strict check accepts, on edge cases', () => {
  for (const [i, one] of CASES.entries()) {
    const { alone, helped } = verdicts(one);
    assert.equal(helped, alone, `case ${i}`);
    assert.ok(alone || !platformAccepts(...one), `case ${i}: accepted by the platform alone`);
  }
  assert.ok(
    CASES.some((one) => verdicts(one).alone && !platformAccepts(...one)),
    'some cases are those in which the two differ',
  );
});

test('one changed bit of key, digest or signature changes no verdict between the two', () => {
  fc.assert(
    fc.property(fc.nat(128 * 8 - 1), (bit) => {
      const all = concat(signer.publicKey, digest, signature);
      all[bit >> 3] = (all[bit >> 3] as number) ^ (1 << (bit & 7));
      const { alone, helped } = verdicts([all.slice(0, 32), all.slice(32, 64), all.slice(64)]);
      assert.deepEqual({ alone, helped }, { alone: false, helped: false });
    }),
    { numRuns: 30 },
  );
});

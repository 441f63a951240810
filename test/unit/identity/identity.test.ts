import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import { createPhrase, identityFromPhrase, identityFromSeed, peerIdOf } from '../../../node/identity/identity.ts';
import { IdentityError } from '../../../node/identity/identity-error.ts';
import { fromHex, toHex } from '../../../protocol/bytes.ts';
import { verifySignature } from '../../../protocol/signature.ts';

const { vectors } = JSON.parse(await readFile(new URL('../../vectors/identity.json', import.meta.url), 'utf8'));
const [{ phrase }] = vectors;

test('the derivation is the one that was published', () => {
  for (const vector of vectors) {
    const identity = identityFromPhrase(vector.phrase);
    assert.equal(toHex(identity.seed), vector.seed);
    assert.equal(toHex(identity.publicKey), vector.publicKey);
    assert.equal(identity.peerId, vector.peerId);
  }
});

test('keys and signatures are those of RFC 8032 §7.1, test 2', () => {
  const identity = identityFromSeed(fromHex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'));
  assert.equal(toHex(identity.publicKey), '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
  assert.equal(
    toHex(identity.sign(Uint8Array.of(0x72))),
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  );
  const digest = new Uint8Array(32).fill(7);
  assert.equal(verifySignature(identity.publicKey, digest, identity.sign(digest)), true);
});

test('peer ids are those of libp2p', () => {
  for (const { publicKey, peerId } of vectors) {
    assert.equal(peerIdFromPublicKey(publicKeyFromRaw(fromHex(publicKey))).toString(), peerId);
    assert.equal(peerIdOf(fromHex(publicKey)), peerId);
  }
});

test('case and white space do not matter, words, their order and their number do', () => {
  const { peerId } = identityFromPhrase(phrase);
  assert.equal(identityFromPhrase(`  ${phrase.toUpperCase().replaceAll(' ', ' \n\t')}\n`).peerId, peerId);
  const words = vectors[2].phrase.split(' ');
  const refused = [
    '',
    words.slice(1).join(' '),
    [...words, 'abandon'].join(' '),
    [...words.slice(1), words[0]].join(' '),
    [...words.slice(0, 23), 'abandon'].join(' '),
    [...words.slice(0, 23), 'notaword'].join(' '),
  ];
  for (const text of refused) {
    assert.throws(
      () => identityFromPhrase(text),
      (error) =>
        error instanceof IdentityError && error.code === 'invalid-phrase' && !error.message.includes('notaword'),
      text,
    );
  }
});

test('a new phrase has 24 words, is accepted, and is new', () => {
  const a = createPhrase();
  assert.equal(a.split(' ').length, 24);
  assert.notEqual(identityFromPhrase(a).peerId, identityFromPhrase(createPhrase()).peerId);
});

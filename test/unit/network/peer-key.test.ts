import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityFromSeed } from '../../../node/identity/identity.ts';
import { NetworkError } from '../../../node/network/errors.ts';
import { keyFromPeerId, peerIdFromKey, privateKeyFromSeed } from '../../../node/network/peer-key.ts';

test('the libp2p key of a seed is the identity of that seed', async () => {
  const identity = identityFromSeed(new Uint8Array(32).fill(3));
  const key = await privateKeyFromSeed(identity.seed);
  assert.deepEqual(Uint8Array.from(key.publicKey.raw), identity.publicKey);
  assert.equal(peerIdFromKey(identity.publicKey), identity.peerId);
  assert.deepEqual(keyFromPeerId(identity.peerId), identity.publicKey);
});

const NOT_ED25519 = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N';

for (const text of ['', 'nonsense', NOT_ED25519, `12D3Koo${'x'.repeat(1000)}`]) {
  test(`refuses ${text.slice(0, 20) || 'nothing'} as a peer`, () => {
    assert.throws(
      () => keyFromPeerId(text),
      (error) => error instanceof NetworkError && error.code === 'bad-peer-id',
    );
  });
}

test('refuses keys and seeds of another length', async () => {
  assert.throws(() => peerIdFromKey(new Uint8Array(31)), NetworkError);
  await assert.rejects(privateKeyFromSeed(new Uint8Array(33)), RangeError);
});

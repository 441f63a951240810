import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromHex } from '../../../protocol/bytes.ts';
import { isFalseClaim, type SignedClaim, signStageClaim, verifyStageClaim } from '../../../protocol/stage-claim.ts';
import { readVectors } from '../../helpers/protocol-codecs.ts';
import { signerOf } from '../../helpers/signers.ts';

type Hex = { readonly [K in keyof SignedClaim]: string };

function claimOf({ upload, ids, commitments, holder, sig }: Hex): SignedClaim {
  return {
    upload: fromHex(upload),
    ids: fromHex(ids),
    commitments: fromHex(commitments),
    holder: fromHex(holder),
    sig: fromHex(sig),
  };
}

const claim = claimOf(readVectors<{ stageClaim: Hex }>('structures-v1.json').stageClaim);
const id = claim.ids.subarray(32, 64);
const commitment = claim.commitments.subarray(48, 96);
const another = new Uint8Array(48).fill(1);

test('the claim of the vectors is signed by its holder', () => {
  assert.equal(verifyStageClaim(claim), true);
});

test('claims whose signature does not hold neither count nor convict', () => {
  const { stageClaims } = readVectors<{ stageClaims: (Hex & { why: string })[] }>('negative-protocol.json');
  assert.ok(stageClaims.length > 8);
  for (const { why, ...hex } of stageClaims) {
    const forged = claimOf(hex);
    assert.equal(verifyStageClaim(forged), false, why);
    for (let at = 0; at < forged.ids.length; at += 32) {
      assert.equal(isFalseClaim(forged, forged.ids.subarray(at, at + 32), another), false, why);
    }
  }
});

test('a signed claim convicts when the shard has another commitment, and only then', () => {
  assert.equal(isFalseClaim(claim, id, commitment), false);
  assert.equal(isFalseClaim(claim, id, another), true);
});

test('a claim says nothing about a shard that it does not name', () => {
  assert.equal(isFalseClaim(claim, new Uint8Array(32), another), false);
});

test('a holder that claims two commitments for one shard is convicted, whichever of them is right', () => {
  const twice = { upload: claim.upload, ids: concat(id, id), commitments: concat(commitment, another) };
  const signed = signStageClaim(twice, signerOf('liar'));
  assert.equal(isFalseClaim(signed, id, commitment), true);
  assert.equal(isFalseClaim(signed, id, another), true);
});

test('an honest claim cut at other boundaries convicts nobody', () => {
  const shards = [0, 1, 2, 3, 4, 5, 6, 7];
  const honest = {
    upload: new Uint8Array(16).fill(9),
    ids: concat(...shards.map((shard) => new Uint8Array(32).fill(shard))),
    commitments: concat(...shards.map((shard) => new Uint8Array(48).fill(0xa0 + shard))),
  };
  const { holder, sig } = signStageClaim(honest, signerOf('holder'));
  const signed = concat(honest.upload, honest.ids, honest.commitments);
  // 16 + 2·80 bytes: the ids begin with that of shard 5, the commitments with that of shard 2.
  const cut = {
    upload: signed.subarray(0, 176),
    ids: signed.subarray(176, 368),
    commitments: signed.subarray(368),
    holder,
    sig,
  };
  assert.deepEqual(cut.ids.subarray(0, 32), new Uint8Array(32).fill(5));
  assert.equal(isFalseClaim(cut, new Uint8Array(32).fill(5), new Uint8Array(48).fill(0xa5)), false);
});

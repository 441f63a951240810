import assert from 'node:assert/strict';
import { test } from 'node:test';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { finalizeResponse } from '../../../protocol/messages/finalize.ts';
import { releaseRequest } from '../../../protocol/messages/release.ts';
import { encodeRelease, signRelease } from '../../../protocol/release.ts';
import { decodeStoreReceipt, type StoreReceipt } from '../../../protocol/store-receipt.ts';
import { finalizeBytes, type Holder, keep, LEASE_MS, openHolder, shardsAt, stage } from '../../helpers/holder.ts';
import type { SampleObject } from '../../helpers/sample-object.ts';
import { signerOf } from '../../helpers/signers.ts';
import { assertCountersExact } from '../../helpers/store-home.ts';
import { codes, engine, network, objectOf, owner, stranger, told, useEngine, watched } from './fixture.ts';

let object: SampleObject;
useEngine(async () => {
  object = await objectOf();
});
const base = { network, engine, codes };

async function finalized(holder: Holder, indices: readonly number[], by = stranger) {
  return (await holder.call('finalize', finalizeBytes(object, indices), by)).reply;
}

test('who repairs gets a receipt with an end; the owner is charged, and can release it', async (t) => {
  const holder = await openHolder(t, base);
  const receipt = await keep(holder, stranger, object, [0, 6]);
  assert.deepEqual(
    [bitmapIndices(receipt.indices), receipt.expiresAt, receipt.owner],
    [[0, 6], holder.clock.now() + LEASE_MS, owner.publicKey],
  );
  const usage = (signer: typeof owner) => holder.shards.usage().byOwner(peerIdFromKey(signer.publicKey));
  assert.deepEqual([usage(owner).storedBytes, usage(owner).stagedBytes], [2 * SHARD_BYTES, 0]);
  assert.deepEqual([usage(stranger).storedBytes, usage(stranger).stagedBytes], [0, 0]);
  await assertCountersExact(holder);

  const release = signRelease({ network, owner: owner.publicKey, root: object.rootCid, issuedAt: 1 }, owner);
  const request = releaseRequest.encode({ release: encodeRelease(release) });
  assert.equal((await holder.call('release', request, owner)).reply.status, 'ok');
  assert.equal(usage(owner).storedBytes, 0);
  assert.deepEqual(told(await finalized(holder, [0])), ['not-allowed', 'released']);
});

test('one shard of a stripe, unless it is the owner who brings more', async (t) => {
  const holder = await openHolder(t, base);
  await stage(holder, stranger, shardsAt(object, [0, 1, 6]));
  assert.deepEqual(told(await finalized(holder, [0, 1])), ['not-allowed', 'stripe-taken']);
  assert.equal((await finalized(holder, [0])).status, 'ok');
  assert.deepEqual(told(await finalized(holder, [1])), ['not-allowed', 'stripe-taken']);
  // What it has already, and other stripes, may come again.
  assert.equal((await finalized(holder, [0, 6])).status, 'ok');
  await stage(holder, owner, shardsAt(object, [1]));
  assert.equal((await finalized(holder, [1], owner)).status, 'ok');
  assert.equal((await finalized(holder, [0, 1])).status, 'ok');
});

test('nobody shortens what another was promised', async (t) => {
  const holder = await openHolder(t, base);
  const leased = await keep(holder, stranger, object, [0]);
  await holder.clock.advance(LEASE_MS / 2);
  const renewed = await keep(holder, signerOf('another'), object, [0]);
  assert.equal(renewed.expiresAt, leased.expiresAt + LEASE_MS / 2);
  // The owner's promise has no end, and covers what was there before.
  const unlimited = await keep(holder, owner, object, [6]);
  assert.deepEqual([bitmapIndices(unlimited.indices), unlimited.expiresAt], [[0, 6], 0]);
  const again = await keep(holder, stranger, object, [0]);
  assert.equal(again.expiresAt, 0);
});

test('the owner, too, repairs with a promise that ends, which shortens none that has no end', async (t) => {
  const holder = await openHolder(t, base);
  const repaired = async (indices: readonly number[]) => {
    await stage(holder, owner, shardsAt(object, indices));
    const { reply } = await holder.call('finalize', finalizeBytes(object, indices, { lease: true }), owner);
    assert.ok(reply.status === 'ok');
    return decodeStoreReceipt(finalizeResponse.decode(reply.body).receipts[0] as Uint8Array);
  };
  assert.equal((await repaired([0])).expiresAt, holder.clock.now() + LEASE_MS);
  assert.equal((await keep(holder, owner, object, [6])).expiresAt, 0);
  const last = await repaired([0]);
  assert.deepEqual([bitmapIndices(last.indices), last.expiresAt], [[0, 6], 0]);
});

test('what was being checked when the node began to leave is not promised', async (t) => {
  const spy = watched(() => holder.intake.close());
  const holder = await openHolder(t, { ...base, engine: spy });
  await stage(holder, stranger, shardsAt(object, [0]));
  assert.deepEqual(told(await finalized(holder, [0])), ['not-allowed', 'leaving']);
  assert.equal(spy.checks, 1);
  assert.deepEqual(await holder.issuedReceipts.ofRoot(object.rootCid), []);
});

test('what was promised until yesterday and is still here is signed for anew', async (t) => {
  const spy = watched();
  const holder = await openHolder(t, { ...base, engine: spy });
  await keep(holder, stranger, object, [0, 6]);
  await holder.clock.advance(LEASE_MS + 1);
  const receipt = await keep(holder, stranger, object, [0]);
  assert.deepEqual(bitmapIndices(receipt.indices), [0, 6]);
  assert.equal(spy.checks, 1);
});

test('a repairer that lies is refused, and nothing is promised', async (t) => {
  const holder = await openHolder(t, base);
  const other = await objectOf({ label: 'another object' });
  const issued = async () => {
    const receipts: StoreReceipt[] = [];
    for await (const receipt of holder.issuedReceipts.scan()) receipts.push(receipt);
    return receipts.length;
  };
  // Bytes that are not those of the manifest: they have another hash, so that the right ones are missing.
  await stage(holder, stranger, shardsAt(other, [0]));
  assert.deepEqual(told(await finalized(holder, [0])), ['not-held', 'not-staged']);
  // The segment of another object.
  const request = finalizeBytes({ ...object, segments: other.segments }, [0]);
  const { reply } = await holder.call('finalize', request, stranger);
  assert.deepEqual(told(reply), ['invalid-request', 'unknown-segment']);
  // A manifest of its own making, in the owner's name.
  const forged = { ...object, rootBytes: Uint8Array.from(object.rootBytes) };
  const at = forged.rootBytes.length - 1;
  forged.rootBytes[at] = (forged.rootBytes[at] as number) ^ 1;
  const answer = await holder.call('finalize', finalizeBytes(forged, [0]), stranger);
  assert.equal(answer.reply.status, 'invalid-request');
  assert.equal(await issued(), 0);
  // Shards beside commitments that are not theirs.
  let call = 0;
  const right = (blob: Uint8Array) => engine.commit(blob);
  const swap = shardsAt(other, [1])[0] as Uint8Array;
  const framing = await objectOf({ label: 'framed', commit: (blob) => right(call++ === 0 ? swap : blob) });
  await stage(holder, stranger, shardsAt(framing, [0]));
  const refused = await holder.call('finalize', finalizeBytes(framing, [0]), stranger);
  assert.deepEqual(told(refused.reply), ['invalid-request', 'commitment-mismatch']);
  assert.equal(await issued(), 0);
});

test('finalize is idempotent for who repairs, too', async (t) => {
  const holder = await openHolder(t, base);
  await stage(holder, stranger, shardsAt(object, [0]));
  const { reply } = await holder.call('finalize', finalizeBytes(object, [0]), stranger);
  assert.ok(reply.status === 'ok');
  const first = decodeStoreReceipt(finalizeResponse.decode(reply.body).receipts[0] as Uint8Array);
  const repeated = await keep(holder, stranger, object, [0]);
  assert.deepEqual(repeated.sig, first.sig);
});

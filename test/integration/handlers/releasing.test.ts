import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { networkId } from '../../../protocol/hash.ts';
import { haveRequest, haveResponse } from '../../../protocol/messages/have.ts';
import { releaseRequest } from '../../../protocol/messages/release.ts';
import { encodeRelease, signRelease, type UnsignedRelease } from '../../../protocol/release.ts';
import type { Signer } from '../../../protocol/signature.ts';
import { verifyStoreReceipt } from '../../../protocol/store-receipt.ts';
import {
  finalizeBytes,
  type Holder,
  type HolderOptions,
  keep,
  LEASE_MS,
  openHolder,
  shardsAt,
  stage,
} from '../../helpers/holder.ts';
import type { SampleObject } from '../../helpers/sample-object.ts';
import { assertCountersExact } from '../../helpers/store-home.ts';
import { codes, engine, network, objectOf, owner, stranger, told, useEngine } from './fixture.ts';

let object: SampleObject;
useEngine(async () => {
  object = await objectOf();
});
const base: HolderOptions = { network, engine, codes };

function releaseBytes(change: Partial<UnsignedRelease> = {}, signer: Signer = owner): Uint8Array {
  const unsigned = { network, owner: signer.publicKey, root: object.rootCid, issuedAt: 1, ...change };
  return releaseRequest.encode({ release: encodeRelease(signRelease(unsigned, signer)) });
}

/** Everything of the object is gone, and the counters say so. */
async function assertEmpty(holder: Holder): Promise<void> {
  assert.equal(await holder.manifests.hasRoot(object.rootCid), false);
  assert.deepEqual(await Array.fromAsync(holder.shards.referencesOf(object.rootCid)), []);
  assert.deepEqual(await holder.issuedReceipts.ofRoot(object.rootCid), []);
  await assertCountersExact(holder);
}

async function heldIndices(holder: Holder): Promise<number[]> {
  const { reply } = await holder.call('have', haveRequest.encode({ root: object.rootCid }), stranger);
  assert.ok(reply.status === 'ok');
  return haveResponse.decode(reply.body).held.flatMap(({ indices }) => bitmapIndices(indices));
}

/** The same home in a new process. */
async function reopened(t: Parameters<typeof openHolder>[0], holder: Holder): Promise<Holder> {
  await holder.close();
  const again = await openHolder(t, { ...base, home: holder.home, clock: holder.clock, create: false });
  await again.holdings.start();
  t.after(() => again.holdings.stop());
  return again;
}

class PowerCut extends Error {}

function cut(): never {
  throw new PowerCut();
}

test('the owner lets an object go; whoever brings the release', async (t) => {
  const holder = await openHolder(t, base);
  await keep(holder, owner, object, [0, 6]);
  assert.deepEqual(told((await holder.call('release', releaseBytes(), stranger)).reply), ['ok', '']);
  await assertEmpty(holder);
  assert.equal(holder.shards.usage().usedBytes, 0);
  assert.deepEqual(holder.released.map(String), [object.rootCid.toString()]);
  assert.deepEqual(holder.obeyed.map(String), [object.rootCid.toString()]);
  assert.ok(await holder.releases.isReleased(object.rootCid));
  assert.deepEqual(told((await holder.call('release', releaseBytes(), owner)).reply), ['ok', '']);
  // It does not come back.
  await stage(holder, owner, shardsAt(object, [0]));
  const again = await holder.call('finalize', finalizeBytes(object, [0]), owner);
  assert.deepEqual(told(again.reply), ['not-allowed', 'released']);
});

test('a release of another network, of another owner, or badly signed lets nothing go', async (t) => {
  const holder = await openHolder(t, base);
  await keep(holder, owner, object, [0]);
  const forged = releaseRequest.encode({
    release: encodeRelease({
      network,
      owner: owner.publicKey,
      root: object.rootCid,
      issuedAt: 1,
      sig: new Uint8Array(64),
    }),
  });
  const cases = [
    ['not-allowed', 'other-network', releaseBytes({ network: networkId('elsewhere') })],
    ['not-allowed', 'not-owner', releaseBytes({}, stranger)],
    ['invalid-request', 'bad-signature', forged],
    ['invalid-request', 'malformed', Uint8Array.of(0xff)],
  ] as const;
  for (const [status, code, request] of cases) {
    assert.deepEqual(told((await holder.call('release', request, owner)).reply), [status, code]);
  }
  assert.deepEqual(holder.obeyed, []);
  assert.deepEqual(await heldIndices(holder), [0]);
});

test('a release of what is not held here keeps nothing', async (t) => {
  const holder = await openHolder(t, base);
  assert.deepEqual(told((await holder.call('release', releaseBytes(), owner)).reply), ['ok', '']);
  assert.equal(await holder.releases.isReleased(object.rootCid), false);
});

test('an own manifest is not let go, whoever sends the own release back', async (t) => {
  const holder = await openHolder(t, { ...base, signer: owner });
  await holder.manifests.putRoot(object.rootCid, object.rootBytes);
  assert.deepEqual(told((await holder.call('release', releaseBytes(), stranger)).reply), ['ok', '']);
  assert.ok(await holder.manifests.hasRoot(object.rootCid));
});

test('a release and a finalize at once leave all or nothing', async (t) => {
  const holder = await openHolder(t, base);
  await stage(holder, owner, shardsAt(object, [0, 1]));
  await keep(holder, owner, object, [0]);
  const [finalized, released] = await Promise.all([
    holder.call('finalize', finalizeBytes(object, [1]), owner),
    holder.call('release', releaseBytes(), owner),
  ]);
  assert.equal(released.reply.status, 'ok');
  assert.ok(['ok', 'not-allowed'].includes(finalized.reply.status));
  await assertEmpty(holder);
});

test('power is cut before the shards are referenced: the manifest goes, staging stays, a repetition succeeds', async (t) => {
  const holder = await openHolder(t, base);
  await stage(holder, owner, shardsAt(object, [0, 4]));
  // Neither the reference nor the cleaning up after it happens.
  Object.assign(holder.shards, { reference: cut });
  Object.assign(holder.manifests, { removeRoot: cut });
  assert.ok((await holder.call('finalize', finalizeBytes(object, [0, 4]), owner)).failure instanceof PowerCut);
  const again = await reopened(t, holder);
  await until(async () => !(await again.manifests.hasRoot(object.rootCid)));
  await assertEmpty(again);
  const receipt = await keep(again, owner, object, [0, 4]);
  assert.deepEqual(bitmapIndices(receipt.indices), [0, 4]);
});

test('power is cut before the receipt is kept: the next start signs for what is stored', async (t) => {
  const holder = await openHolder(t, base);
  await stage(holder, owner, shardsAt(object, [0, 4]));
  Object.assign(holder.issuedReceipts, { put: cut });
  Object.assign(holder.manifests, { removeRoot: cut });
  assert.ok((await holder.call('finalize', finalizeBytes(object, [0, 4]), owner)).failure instanceof PowerCut);
  const again = await reopened(t, holder);
  await until(async () => (await heldIndices(again)).length > 0);
  assert.deepEqual(await heldIndices(again), [0, 4]);
  const [receipt] = await again.issuedReceipts.ofRoot(object.rootCid);
  assert.ok(receipt !== undefined && verifyStoreReceipt(receipt));
  // For a while, since nobody may know of it; the owner, who asks again, gets one until the release.
  assert.equal(receipt.expiresAt, again.clock.now() + LEASE_MS);
  assert.equal((await keep(again, owner, object, [0, 4])).expiresAt, 0);
});

test('power is cut in a release: the release is kept, and the next start finishes it', async (t) => {
  for (const [part, method] of [
    ['shards', 'release'],
    ['issuedReceipts', 'removeRoot'],
    ['manifests', 'removeRoot'],
  ] as const) {
    const holder = await openHolder(t, base);
    await keep(holder, owner, object, [0, 4]);
    Object.assign(holder[part], { [method]: cut });
    const { failure } = await holder.call('release', releaseBytes(), owner);
    assert.ok(failure instanceof PowerCut, part);
    assert.ok(await holder.releases.isReleased(object.rootCid), part);
    await assertEmpty(await reopened(t, holder));
  }
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

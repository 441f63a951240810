import assert from 'node:assert/strict';
import { test } from 'node:test';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { damageShard } from '../../../node/store/lab-faults.ts';
import { bitmapIndices, bitmapOf } from '../../../protocol/bitmap.ts';
import { concat } from '../../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { networkId } from '../../../protocol/hash.ts';
import { encodeRoot, signRoot } from '../../../protocol/manifest.ts';
import { decodeShardFrame, fetchRequest } from '../../../protocol/messages/fetch.ts';
import { finalizeRequest, finalizeResponse } from '../../../protocol/messages/finalize.ts';
import { haveRequest, haveResponse } from '../../../protocol/messages/have.ts';
import { manifestRequest } from '../../../protocol/messages/manifest.ts';
import { stageOffer, stageRequest, stageResult } from '../../../protocol/messages/stage.ts';
import { decodeReply, type Fault, type Reply } from '../../../protocol/status.ts';
import { decodeStoreReceipt, type StoreReceipt, verifyStoreReceipt } from '../../../protocol/store-receipt.ts';
import { finalizeBytes, HOLDER, type Holder, keep, openHolder, shardsAt, stage } from '../../helpers/holder.ts';
import { type SampleObject, sha256 } from '../../helpers/sample-object.ts';
import { assertCountersExact, uploadId } from '../../helpers/store-home.ts';
import { codes, engine, network, objectOf, owner, stranger, told, useEngine, watched } from './fixture.ts';

let object: SampleObject;
useEngine(async () => {
  object = await objectOf();
});
const base = { network, engine, codes };
const first = () => object.segments[0] as SampleObject['segments'][number];

const receiptsOf = (reply: Reply): StoreReceipt[] => {
  assert.ok(reply.status === 'ok');
  return finalizeResponse.decode(reply.body).receipts.map(decodeStoreReceipt);
};
const shardsOf = (reply: Reply): number[][] => ((reply as Fault).shards ?? []).map(bitmapIndices);

async function heldOf(holder: Holder): Promise<{ indices: number[]; receipt: StoreReceipt }[]> {
  const { reply } = await holder.call('have', haveRequest.encode({ root: object.rootCid }), stranger);
  assert.ok(reply.status === 'ok');
  return haveResponse.decode(reply.body).held.map(({ indices, receipt }) => ({
    indices: bitmapIndices(indices),
    receipt: decodeStoreReceipt(receipt),
  }));
}

async function fetched(holder: Holder, indices: readonly number[]): Promise<Map<number, Uint8Array | undefined>> {
  const request = fetchRequest.encode({ segment: first().cid, indices: bitmapOf(indices) });
  const { reply, frames } = await holder.call('fetch', request, stranger);
  assert.equal(reply.status, 'ok');
  return new Map(frames.slice(1).map((frame) => [decodeShardFrame(frame).index, decodeShardFrame(frame).shard]));
}

test('a shard is staged, signed for, found, served, with its manifest', async (t) => {
  const spy = watched();
  const holder = await openHolder(t, { ...base, engine: spy });
  const indices = [0, 5, 6, 11];
  const staged = await stage(holder, owner, shardsAt(object, indices));
  assert.equal(staged.reply.status === 'ok' && bitmapIndices(stageOffer.decode(staged.reply.body).wanted).length, 4);
  const done = decodeReply(staged.frames[1] as Uint8Array);
  assert.deepEqual(
    done.status === 'ok' && Buffer.from(stageResult.decode(done.body).hashes),
    Buffer.from(concat(...shardsAt(object, indices).map(sha256))),
  );
  // Again: nothing is wanted, all is acknowledged.
  const again = await stage(holder, owner, shardsAt(object, indices));
  assert.equal(again.reply.status === 'ok' && stageOffer.decode(again.reply.body).wanted.length, 0);
  assert.equal(again.frames.length, 2);

  const { reply } = await holder.call('finalize', finalizeBytes(object, indices), owner);
  const [receipt] = receiptsOf(reply) as [StoreReceipt];
  assert.ok(verifyStoreReceipt(receipt));
  assert.deepEqual(
    { ...receipt, root: receipt.root.toString(), segment: receipt.segment.toString(), sig: undefined },
    {
      network,
      holder: HOLDER.publicKey,
      owner: owner.publicKey,
      root: object.rootCid.toString(),
      segment: first().cid.toString(),
      indices: bitmapOf(indices),
      issuedAt: holder.clock.now(),
      expiresAt: 0,
      sig: undefined,
    },
  );
  assert.deepEqual(holder.kept.map(String), [object.rootCid.toString()]);

  const repeated = await holder.call('finalize', finalizeBytes(object, indices), owner);
  assert.deepEqual(repeated.reply, reply);
  assert.equal(spy.checks, 1);
  assert.equal(holder.kept.length, 1);

  assert.deepEqual(await heldOf(holder), [{ indices, receipt }]);
  const shards = await fetched(holder, [0, 1, 11]);
  assert.deepEqual(shards.get(11), shardsAt(object, [11])[0]);
  assert.deepEqual(shards.get(0), shardsAt(object, [0])[0]);
  assert.ok(shards.has(1) && shards.get(1) === undefined);
  for (const [cid, bytes] of [
    [object.rootCid, object.rootBytes],
    [first().cid, first().bytes],
  ] as const) {
    const node = await holder.call('manifest', manifestRequest.encode({ cid }), stranger);
    assert.deepEqual(node.reply.status === 'ok' && Buffer.from(node.reply.body), Buffer.from(bytes));
  }
  await assertCountersExact(holder);
});

test('what is not held is refused as not held', async (t) => {
  const holder = await openHolder(t, base);
  const request = fetchRequest.encode({ segment: first().cid, indices: bitmapOf([0]) });
  assert.deepEqual(told((await holder.call('fetch', request, stranger)).reply), ['not-held', 'unknown-segment']);
  const node = await holder.call('manifest', manifestRequest.encode({ cid: object.rootCid }), stranger);
  assert.deepEqual(told(node.reply), ['not-held', 'unknown-node']);
  assert.deepEqual(await heldOf(holder), []);
});

test('staging refuses what it cannot take, and gives the space back', async (t) => {
  const capacityBytes = 3 * SHARD_BYTES;
  const quota = { stagedBytesPerPeer: 2 * SHARD_BYTES, storedBytesPerPeer: SHARD_BYTES };
  const holder = await openHolder(t, { ...base, capacityBytes, quota });
  const [one, two, three] = shardsAt(object, [0, 1, 2]) as [Uint8Array, Uint8Array, Uint8Array];
  const offer = (ids: Uint8Array) => stageRequest.encode({ upload: uploadId(1), ids });
  const asked = async (request: Uint8Array, frames: readonly Uint8Array[] = []) => {
    const { frames: written } = await holder.call('stage', request, owner, { frames });
    return told(decodeReply(written.at(-1) as Uint8Array));
  };
  assert.deepEqual(told((await stage(holder, owner, [one, two, three])).reply), ['no-space', 'quota-exceeded']);
  const many = Array.from({ length: 4 }, (_, i) => sha256(Uint8Array.of(i)));
  const wide = await holder.call('stage', offer(concat(...many)), stranger);
  assert.equal(wide.reply.status, 'no-space');
  assert.deepEqual(await asked(offer(sha256(one)), [two]), ['invalid-request', 'hash-mismatch']);
  assert.deepEqual(await asked(offer(sha256(one)), [one.subarray(1)]), ['invalid-request', 'wrong-size']);
  assert.deepEqual(await asked(offer(sha256(one))), ['invalid-request', 'closed-early']);
  assert.deepEqual(await asked(Uint8Array.of(0xa0)), ['invalid-request', 'malformed']);
  const usage = holder.shards.usage();
  assert.deepEqual([usage.usedBytes, usage.stagedBytes, usage.reservedBytes], [0, 0, 0]);

  // References count, not bytes: two copies of a shard exceed the quota when they are to be signed for.
  const copies = await objectOf({ parameters: { id: 0, k: 1, m: 1 }, size: 1000 });
  await stage(holder, owner, shardsAt(copies, [0]));
  const { reply } = await holder.call('finalize', finalizeBytes(copies, [0, 1]), owner);
  assert.deepEqual(told(reply), ['no-space', 'quota-exceeded']);
  assert.equal(await holder.manifests.hasRoot(copies.rootCid), false);
  await keep(holder, owner, copies, [1]);
});

test('finalize refuses, by status and code, and promises nothing', async (t) => {
  const holder = await openHolder(t, base);
  await stage(holder, owner, shardsAt(object, [0, 5]));
  const { sig: _, ...unsigned } = object.root;
  const rooted = (root: Uint8Array, indices = [0]) =>
    finalizeRequest.encode({ root, segments: [{ node: first().bytes, indices: bitmapOf(indices) }] });
  const foreign = encodeRoot(signRoot({ ...unsigned, network: networkId('elsewhere') }, owner));
  const unlisted = encodeRoot(signRoot({ ...unsigned, segments: [object.rootCid] }, owner));
  const forged = encodeRoot({ ...object.root, sig: new Uint8Array(64) });
  const cases = [
    ['not-allowed', 'other-network', rooted(foreign), owner],
    [
      'not-allowed',
      'own-object',
      rooted(encodeRoot(signRoot({ ...unsigned, owner: HOLDER.publicKey }, HOLDER))),
      owner,
    ],
    ['invalid-request', 'bad-signature', rooted(forged), owner],
    ['invalid-request', 'unknown-segment', rooted(unlisted), owner],
    // Positions 2 and 3 of the short stripe, and beyond it.
    ['invalid-request', 'unknown-shards', rooted(object.rootBytes, [0, 8]), owner],
    ['invalid-request', 'unknown-shards', rooted(object.rootBytes, [12]), owner],
    ['invalid-request', 'malformed', Uint8Array.of(1, 2, 3), owner],
  ] as const;
  for (const [status, code, request, caller] of cases) {
    const { reply, failure } = await holder.call('finalize', request, caller);
    assert.deepEqual(told(reply), [status, code]);
    assert.equal(failure, undefined);
  }
  const partly = await holder.call('finalize', finalizeBytes(object, [0, 1, 5, 10]), owner);
  assert.deepEqual(told(partly.reply), ['not-held', 'not-staged']);
  assert.deepEqual(shardsOf(partly.reply), [[1, 10]]);
  assert.deepEqual(await heldOf(holder), []);
  assert.equal(await holder.manifests.hasRoot(object.rootCid), false);
  assert.deepEqual(holder.kept, []);
});

test('shards that do not fit their commitments are named, and nothing is signed', async (t) => {
  // The manifest lists the hashes of other bytes beside the right commitments.
  const wrong = await objectOf({ label: 'other' });
  let call = 0;
  const framing = await objectOf({
    label: 'framed',
    commit: (blob) => engine.commit(call++ === 1 ? (wrong.shards[0]?.get(0) as Uint8Array) : blob),
  });
  const holder = await openHolder(t, base);
  await stage(holder, owner, shardsAt(framing, [0, 1, 2]));
  const { reply } = await holder.call('finalize', finalizeBytes(framing, [0, 1, 2]), owner);
  assert.deepEqual(told(reply), ['invalid-request', 'commitment-mismatch']);
  assert.deepEqual(shardsOf(reply), [[1]]);
  // Parity follows from all data commitments: a single wrong one makes it wrong.
  await stage(holder, owner, shardsAt(framing, [4]));
  const parity = await holder.call('finalize', finalizeBytes(framing, [4]), owner);
  assert.deepEqual(told(parity.reply), ['invalid-request', 'commitment-mismatch']);
  // The rest is as good as ever.
  assert.equal((await holder.call('finalize', finalizeBytes(framing, [0, 2]), owner)).reply.status, 'ok');
});

test('commitments that are no points refuse the claim, not the node', async (t) => {
  const odd = await objectOf({ label: 'odd', commit: async () => new Uint8Array(48).fill(0xff) });
  const holder = await openHolder(t, base);
  await stage(holder, owner, shardsAt(odd, [0, 4]));
  for (const indices of [[0], [4], [0, 4]]) {
    const { reply } = await holder.call('finalize', finalizeBytes(odd, indices), owner);
    assert.deepEqual(told(reply), ['invalid-request', 'commitment-mismatch'], indices.join());
    assert.deepEqual(shardsOf(reply), [indices]);
  }
});

test('constant blobs are refused where content is encrypted, and kept elsewhere', async (t) => {
  const holder = await openHolder(t, base);
  const commit = (blob: Uint8Array) => engine.commit(blob);
  for (const [cipher, status] of [
    ['aes-256-gcm', 'invalid-request'],
    ['none', 'ok'],
  ] as const) {
    const flat = await objectOf({ cipher, size: 0, commit, parameters: { id: 1, k: 2, m: 1 } });
    await stage(holder, owner, shardsAt(flat, [0, 2]));
    const { reply } = await holder.call('finalize', finalizeBytes(flat, [0, 2]), owner);
    assert.equal(reply.status, status);
  }
});

for (const [name, parameters, indices] of [
  ['gf256 with listed parity commitments', { id: 2, k: 4, m: 2 }, [1, 4, 7, 10]],
  ['replica with copies of one shard', { id: 0, k: 1, m: 2 }, [0, 2, 4]],
  ['a stripe of one data shard', { id: 1, k: 8, m: 4 }, [0, 8, 11]],
] as const) {
  test(`finalize and fetch: ${name}`, async (t) => {
    const spy = watched();
    const holder = await openHolder(t, { ...base, engine: spy });
    const size = parameters.k === 8 ? 1000 : 700_000;
    const sample = await objectOf({ parameters, size, label: name });
    const receipt = await keep(holder, owner, sample, indices);
    assert.deepEqual(bitmapIndices(receipt.indices), indices);
    const segment = sample.segments[0]?.cid as typeof object.rootCid;
    const request = fetchRequest.encode({ segment, indices: bitmapOf(indices) });
    const { frames } = await holder.call('fetch', request, stranger);
    for (const { index, shard } of frames.slice(1).map(decodeShardFrame)) {
      assert.deepEqual(shard, sample.shards[0]?.get(index));
    }
    assert.equal(frames.length, 1 + indices.length);
    assert.equal(spy.checks, 1);
    await assertCountersExact(holder);
  });
}

test('a later finalize extends the receipt, also when two come at once', async (t) => {
  const holder = await openHolder(t, base);
  await stage(holder, owner, shardsAt(object, [0, 1, 2, 3]));
  await keep(holder, owner, object, [0]);
  const extended = await keep(holder, owner, object, [3]);
  assert.deepEqual(bitmapIndices(extended.indices), [0, 3]);
  const both = await Promise.all(
    [[1], [2]].map((indices) => holder.call('finalize', finalizeBytes(object, indices), owner)),
  );
  const widest = both.map(({ reply }) => bitmapIndices((receiptsOf(reply)[0] as StoreReceipt).indices));
  assert.deepEqual(widest.sort((a, b) => b.length - a.length)[0], [0, 1, 2, 3]);
  const [held] = await heldOf(holder);
  assert.deepEqual(held?.indices, [0, 1, 2, 3]);
  assert.deepEqual(bitmapIndices(held?.receipt.indices ?? new Uint8Array()), [0, 1, 2, 3]);
});

test('staging that expires during the check is named as not held', async (t) => {
  const HOUR = 60 * 60 * 1000;
  const holder: Holder = await openHolder(t, {
    ...base,
    trashTimeMs: 0,
    engine: watched(async () => {
      await holder.clock.advance(2 * HOUR);
      // The check has read nothing yet: it loads before it is told.
    }),
  });
  await stage(holder, owner, shardsAt(object, [0, 1]));
  const original = holder.shards.reference.bind(holder.shards);
  holder.shards.reference = async (...args) => {
    await holder.shards.sweepStaged();
    return original(...args);
  };
  const { reply } = await holder.call('finalize', finalizeBytes(object, [0, 1]), owner);
  assert.deepEqual(told(reply), ['not-held', 'not-staged']);
  assert.deepEqual(shardsOf(reply), [[0, 1]]);
  assert.equal(await holder.manifests.hasRoot(object.rootCid), false);
  await assertCountersExact(holder);
});

test('a caller that leaves during the check is promised nothing', async (t) => {
  const gone = new AbortController();
  const holder = await openHolder(t, { ...base, engine: watched(() => gone.abort(new Error('gone'))) });
  await stage(holder, owner, shardsAt(object, [0]));
  const { failure } = await holder.call('finalize', finalizeBytes(object, [0]), owner, { signal: gone.signal });
  assert.match(String(failure), /gone/);
  assert.deepEqual(await heldOf(holder), []);
  assert.equal(await holder.manifests.hasRoot(object.rootCid), false);
});

test('a staged shard that the disk damaged is asked for again; a stored one is declared lost', async (t) => {
  const holder = await openHolder(t, base);
  const [shard] = shardsAt(object, [1]) as [Uint8Array];
  await stage(holder, owner, shardsAt(object, [0, 1]));
  await damageShard(holder, sha256(shard));
  const { reply } = await holder.call('finalize', finalizeBytes(object, [0, 1]), owner);
  assert.deepEqual(told(reply), ['not-held', 'damaged']);
  assert.deepEqual(shardsOf(reply), [[1]]);
  await keep(holder, owner, object, [0, 1]);

  await damageShard(holder, sha256(shard));
  const shards = await fetched(holder, [0, 1]);
  assert.equal(shards.get(1), undefined);
  assert.deepEqual(shards.get(0), shardsAt(object, [0])[0]);
  // The loss is noted in the background; a write behind it is a moment after it.
  await holder.shards.markDamaged(sha256(shard));
  const [held] = await heldOf(holder);
  assert.deepEqual(held?.indices, [0]);
  assert.deepEqual(bitmapIndices(held?.receipt.indices ?? new Uint8Array()), [0, 1]);
  // Staged anew it is whole again, under the same receipt.
  await keep(holder, owner, object, [1]);
  assert.deepEqual((await heldOf(holder))[0]?.indices, [0, 1]);
  assert.equal(holder.shards.usage().stagedBytes, 0);
});

test('a peer that is shunned stores nothing new; what was promised to it is served, proved and released', async (t) => {
  let shunned = false;
  const isShunned = (peer: string) => shunned && peer === peerIdFromKey(owner.publicKey);
  const holder = await openHolder(t, { ...base, isShunned });
  await keep(holder, owner, object, [0, 6]);
  await stage(holder, owner, shardsAt(object, [1]));
  shunned = true;
  const { reply } = await stage(holder, owner, shardsAt(object, [2]));
  assert.deepEqual(told(reply), ['not-allowed', 'banned']);
  const late = await holder.call('finalize', finalizeBytes(object, [1]), owner);
  assert.deepEqual(told(late.reply), ['not-allowed', 'banned']);
  const request = fetchRequest.encode({ segment: first().cid, indices: bitmapOf([0]) });
  assert.equal((await holder.call('fetch', request, owner)).reply.status, 'ok');
  assert.equal((await heldOf(holder)).length, 1);
  assert.equal(
    (await holder.call('manifest', manifestRequest.encode({ cid: object.rootCid }), owner)).reply.status,
    'ok',
  );
  assert.equal((await stage(holder, stranger, shardsAt(object, [2]), 2)).reply.status, 'ok', 'others store as before');
});

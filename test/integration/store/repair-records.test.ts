import assert from 'node:assert/strict';
import { test } from 'node:test';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { forgetRoot } from '../../../node/repair/forget-root.ts';
import { LostShards } from '../../../node/repair/lost-shards.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf, openTestStores } from '../../helpers/store-home.ts';

const holder = signerOf('holder').publicKey;
const other = signerOf('other').publicKey;
const segment = cidOf('segment');

test('lost shards are kept by holder and segment until they are there again', async (t) => {
  const { lostShards } = await openTestStores(t);
  await lostShards.put(holder, segment, [3, 70_000], { why: 'declared', at: 5 });
  await lostShards.put(holder, segment, [3], { why: 'disproved', at: 6 });
  await lostShards.put(holder, cidOf('another'), [1], { why: 'silent', at: 7 });
  await lostShards.put(other, segment, [4], { why: 'garbage', at: 8 });
  assert.deepEqual(
    [...(await lostShards.of(holder, segment))],
    [
      [3, { why: 'disproved', at: 6 }],
      [70_000, { why: 'declared', at: 5 }],
    ],
  );
  const keys: string[] = [];
  for await (const key of lostShards.holders()) keys.push(Buffer.from(key).toString('hex'));
  assert.deepEqual(keys, [holder, other].map((key) => Buffer.from(key).toString('hex')).sort());
  await lostShards.remove(holder, segment, [3, 70_000, 9]);
  assert.equal((await lostShards.of(holder, segment)).size, 0);
  assert.equal((await lostShards.of(other, segment)).size, 1);
});

test('what was lost of an object goes with it, but for what another object shares', async (t) => {
  const { lostShards, receivedReceipts } = await openTestStores(t);
  const clock = { now: () => 5 };
  const lost = new LostShards({ store: lostShards, clock, onLost: () => undefined, onRestored: async () => undefined });
  const [gone, kept] = [cidOf('gone'), cidOf('kept')];
  const [own, shared] = [cidOf('own'), cidOf('shared')];
  const receiptOf = (root: typeof gone, part: typeof own, signer: Uint8Array) => ({
    network: holder,
    holder: signer,
    owner: other,
    root,
    segment: part,
    indices: Uint8Array.of(1),
    issuedAt: 1,
    expiresAt: 0,
    sig: new Uint8Array(64),
  });
  for (const signer of [holder, other]) {
    for (const part of [own, shared]) {
      await receivedReceipts.put(receiptOf(gone, part, signer));
      await lost.lost(
        peerIdFromKey(signer),
        [0, 3].map((index) => ({ root: gone, segment: part, index })),
        'declared',
      );
    }
  }
  await receivedReceipts.put(receiptOf(kept, shared, other));
  const manifests = {
    async *rootsOf(part: typeof own) {
      yield gone;
      if (part.equals(shared)) yield kept;
    },
  };
  const left = async () => {
    const pairs: string[] = [];
    for (const [name, signer] of Object.entries({ holder, other })) {
      for (const part of [own, shared]) {
        const { size } = await lostShards.of(signer, part);
        if (size > 0) pairs.push(`${name} ${part.equals(own) ? 'own' : 'shared'} ${size}`);
      }
    }
    return pairs;
  };
  const deps = { receipts: receivedReceipts, manifests, lost };
  await assert.rejects(forgetRoot(deps, gone, AbortSignal.abort(new Error('stop'))), /stop/);
  assert.equal((await left()).length, 4);
  // The receipts say where to look: they are still there when the disk fails in between, and it can be repeated.
  const failing = {
    scan: receivedReceipts.scan.bind(receivedReceipts),
    get: receivedReceipts.get.bind(receivedReceipts),
    removeRoot: () => Promise.reject(new Error('disk')),
  };
  await assert.rejects(forgetRoot({ ...deps, receipts: failing }, gone), /disk/);
  assert.deepEqual(await left(), ['other shared 2']);
  await forgetRoot(deps, gone);
  assert.deepEqual(await receivedReceipts.holders(gone), []);
  assert.deepEqual(await left(), ['other shared 2']);
});

test('guarded roots are remembered until they are let go', async (t) => {
  const { guardedRoots } = await openTestStores(t);
  const root = cidOf('root');
  assert.equal(await guardedRoots.has(root), false);
  await guardedRoots.put(root, { since: 4 });
  assert.deepEqual(await guardedRoots.get(root), { since: 4 });
  await guardedRoots.put(root, { since: 4, first: false });
  assert.deepEqual(await guardedRoots.get(root), { since: 4, first: false });
  assert.equal(await guardedRoots.get(cidOf('another')), undefined);
  assert.equal(await guardedRoots.has(root), true);
  assert.deepEqual((await Array.fromAsync(guardedRoots.list())).map(String), [root.toString()]);
  assert.equal(await guardedRoots.has(cidOf('another')), false);
  await guardedRoots.remove(root);
  await guardedRoots.remove(root);
  assert.equal(await guardedRoots.has(root), false);
});

test('what was seen of a holder is kept', async (t) => {
  const { holderFailures } = await openTestStores(t);
  assert.equal(await holderFailures.get(holder), undefined);
  await holderFailures.put(holder, { since: 1, failures: 2 });
  assert.deepEqual(await holderFailures.get(holder), { since: 1, failures: 2 });
});

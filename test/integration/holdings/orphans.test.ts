import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { Holdings } from '../../../node/holdings/holdings.ts';
import { silentLogger } from '../../../node/log.ts';
import { STAGED_MAX_MS } from '../../../node/store/staged-claim.ts';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { compareBytes } from '../../../protocol/bytes.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import { networkId } from '../../../protocol/hash.ts';
import { encodeRoot, signRoot } from '../../../protocol/manifest.ts';
import type { Signer } from '../../../protocol/signature.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf, damageRecords, openTestStores, shards, stageAll } from '../../helpers/store-home.ts';
import { until } from '../../helpers/until.ts';

const DAY = 24 * 60 * 60 * 1000;
const network = networkId('orphans');
const self = signerOf('self');
const owner = signerOf('owner');
const node = new TextEncoder().encode('segment');

function rootOf(by: Signer, size: number) {
  const root = signRoot(
    {
      network,
      kind: 'file',
      payload: 'packed31',
      cipher: 'aes-256-gcm',
      size,
      code: { id: 1, k: 2, m: 2 },
      segments: [cidOf(node)],
      created: 1,
      owner: by.publicKey,
    },
    by,
  );
  const bytes = encodeRoot(root);
  return [nodeCid(bytes), bytes] as const;
}

/** @param file an object of this node's own */
function holdingsOf(stores: Awaited<ReturnType<typeof openTestStores>>, file?: CID): Holdings {
  const { clock, manifests, releases, shards: store, issuedReceipts: receipts } = stores;
  return new Holdings({
    network,
    signer: self,
    clock,
    shards: store,
    manifests,
    receipts,
    releases,
    leaseMs: DAY,
    isOwn: async (cid) => file !== undefined && cid.equals(file),
    onKept: () => undefined,
    onReleased: () => undefined,
    log: silentLogger,
  });
}

test('manifests that neither a receipt nor the catalog needs go, also while the node runs; all else stays', async (t) => {
  const stores = await openTestStores(t);
  const { clock, manifests } = stores;
  const [orphan, promised] = [rootOf(owner, 1), rootOf(owner, 2)];
  const [file, abandoned, uploading] = [rootOf(self, 3), rootOf(self, 4), rootOf(self, 5)];
  const holdings = holdingsOf(stores, file[0]);
  const [shard] = shards(1);
  await stageAll(stores, 'owner', [shard!]);
  const object = { cid: promised[0], bytes: promised[1], ownerKey: owner.publicKey, owner: 'owner' };
  const part = { segment: cidOf(node), node, indices: bitmapOf([0]), entries: () => [{ index: 0, id: shard!.id }] };
  await holdings.keep({ ...object, stagedBy: 'owner', until: 0 }, [part]);
  for (const root of [file, abandoned, orphan]) await manifests.putRoot(...root);
  const left = async () => (await Array.fromAsync(manifests.roots())).map(String).sort();
  const names = (roots: readonly (readonly [{ toString(): string }, Uint8Array])[]) =>
    roots.map(([cid]) => `${cid}`).sort();

  await holdings.start();
  t.after(() => holdings.stop());
  await until('the orphan to go', async () => (await left()).length === 3);
  assert.deepEqual(await left(), names([promised, file, abandoned]));
  await clock.advance(STAGED_MAX_MS - DAY);
  await manifests.putRoot(...uploading);
  await until('the abandoned upload to go', async () => {
    // A round that is under way when time passes is over before the next one begins.
    await clock.advance(DAY / 8);
    return (await left()).length === 3;
  });
  assert.deepEqual(await left(), names([promised, file, uploading]));
});

test('one damaged record does not keep what comes after it from being recovered; a damaged receipt is signed anew', async (t) => {
  const stores = await openTestStores(t);
  const { clock, issuedReceipts } = stores;
  const holdings = holdingsOf(stores);
  const [shard] = shards(1);
  await stageAll(stores, 'owner', [shard!]);
  const segment = cidOf(node);
  const part = { segment, node, indices: bitmapOf([0]), entries: () => [{ index: 0, id: shard!.id }] };
  const roots = [1, 2, 3].map((size) => rootOf(owner, size));
  for (const [cid, bytes] of roots) {
    const object = { cid, bytes, ownerKey: owner.publicKey, owner: 'owner', stagedBy: 'owner', until: 0 };
    await holdings.keep(object, [part]);
  }
  // In the order in which they are gone through.
  const [first, second, third] = roots.map(([cid]) => cid).sort((a, b) => compareBytes(a.bytes, b.bytes));
  await damageRecords(stores, 'node', first!.bytes);
  await damageRecords(stores, 'issuedReceipt', second!.bytes);
  await issuedReceipts.removeRoot(third!);

  await holdings.start();
  t.after(() => holdings.stop());
  await until(
    'the last one to be promised again',
    async () => (await issuedReceipts.get(third!, segment)) !== undefined,
  );
  const again = await issuedReceipts.get(second!, segment);
  assert.partialDeepStrictEqual(again, { indices: bitmapOf([0]), expiresAt: clock.now() + DAY });
  // Nothing is known of the damaged one; what it promised stays.
  assert.ok((await issuedReceipts.get(first!, segment)) && (await stores.manifests.hasRoot(first!)));
});

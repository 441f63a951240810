import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bitmapIndices, bitmapOf } from '../../../protocol/bitmap.ts';
import { networkId } from '../../../protocol/hash.ts';
import { type StoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf, openTestStores } from '../../helpers/store-home.ts';

test('a received receipt is replaced by one for as much and as long, or once it has ended', async (t) => {
  const { receivedReceipts, lostShards, clock } = await openTestStores(t);
  const [root, segment, network, anna] = [cidOf('root'), cidOf('segment'), networkId('receipts'), signerOf('anna')];
  const end = Math.floor(clock.now()) + 60_000;
  const sign = (indices: readonly number[], expiresAt: number) => {
    const promise = { network: network, holder: anna.publicKey, owner: signerOf('owner').publicKey, root, segment };
    return signStoreReceipt({ ...promise, indices: bitmapOf(indices), issuedAt: 1000, expiresAt }, anna);
  };
  const kept = async () => {
    const { indices, expiresAt } = (await receivedReceipts.get(root, segment, anna.publicKey)) as StoreReceipt;
    return [bitmapIndices(indices), expiresAt];
  };
  const told: StoreReceipt[] = [];
  receivedReceipts.onPut((receipt) => void told.push(receipt));
  assert.equal(await receivedReceipts.put(sign([5], end)), true);
  // Of several at once the one for more stays, whichever is written last.
  const more = sign([5, 77], end + 1);
  assert.deepEqual(
    await Promise.all([
      receivedReceipts.put(more),
      ...[sign([77], 0), sign([5], end)].map((r) => receivedReceipts.put(r)),
    ]),
    [true, false, false],
  );
  assert.deepEqual(await kept(), [[5, 77], end + 1]);
  assert.equal(await receivedReceipts.put(sign([5, 77], end)), false);
  assert.equal(told.length, 2);
  // A loss that is known has counted.
  await lostShards.put(anna.publicKey, segment, [5], { why: 'declared', at: 1 });
  assert.equal(await receivedReceipts.put(sign([77], end)), false);
  assert.equal(await receivedReceipts.put(sign([77], end + 2)), true);
  await clock.advance(60_001);
  assert.equal(await receivedReceipts.put(sign([6], end + 1)), false);
  await clock.advance(1);
  assert.equal(await receivedReceipts.put(sign([6], end + 1)), true);
  assert.deepEqual(await kept(), [[6], end + 1]);
});

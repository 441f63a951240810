import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { bitmapCount } from '../../../protocol/bitmap.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { FRAME_BYTES } from '../../../protocol/constants.ts';
import { type StoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { stream } from '../../helpers/sample-object.ts';
import { collect, pieces, TransferBench } from '../../helpers/transfer-bench.ts';

const signal = new AbortController().signal;
const code = { k: 4, m: 2 } as const;
const FRAMES = 5;
/** Draws the peers in their order: the first one among them. */
const inOrder = (count: number) => new Uint8Array(count);
const content = stream('receipts', FRAMES * FRAME_BYTES + 100);
/** 6 frames: 2 stripes of 4+2, the second with 2 data shards. */
const SHARDS = 10;

async function readBack(bench: TransferBench, link: { readonly root: CID; readonly key: Uint8Array }) {
  return collect((await bench.downloader().open(link, signal)).read());
}

test('receipts that do not bind are refused, each for its reason', async () => {
  const forgeries: Parameters<typeof Object.assign>[1][] = [
    { indices: Uint8Array.of(0x80) },
    { network: new Uint8Array(32) },
    { owner: new Uint8Array(32) },
    { holder: new Uint8Array(32) },
    { sig: new Uint8Array(64) },
    { expiresAt: 2 },
  ];
  for (const forgery of forgeries) {
    const bench = new TransferBench(7);
    const [liar] = bench.network.all;
    assert.ok(liar);
    liar.forgeReceipt = (receipt) => ({ ...receipt, ...forgery });
    const added = await bench.uploader().add(pieces(content), { kind: 'file', code });
    const key = toHex(liar.signer.publicKey);
    assert.equal(
      bench.receipts.some(({ holder }) => toHex(holder) === key),
      false,
    );
    assert.deepEqual(await readBack(bench, added), content);
  }
});

test('of the owner a receipt with an end is refused, however late that is', async () => {
  const bench = new TransferBench(7);
  const [brief] = bench.network.all;
  assert.ok(brief);
  brief.forgeReceipt = ({ sig: _, ...receipt }) =>
    signStoreReceipt({ ...receipt, expiresAt: Date.now() + 365 * 86_400_000 }, brief.signer);
  const added = await bench
    .uploader({ chooser: bench.placement(inOrder) })
    .add(pieces(content), { kind: 'file', code });
  assert.ok(added.warnings.some((warning) => warning.includes('it ends too soon')));
  assert.ok(bench.receipts.every(({ expiresAt }) => expiresAt === 0));
  assert.deepEqual(await readBack(bench, added), content);
});

test('a receipt that takes back an earlier one is refused', async () => {
  const bench = new TransferBench(7);
  const [forgetful] = bench.network.all;
  assert.ok(forgetful);
  const key = toHex(forgetful.signer.publicKey);
  const book = bench.receiptBook;
  const receipts = {
    ...book,
    put: async (receipt: StoreReceipt) => toHex(receipt.holder) !== key && book.put(receipt),
  };
  const added = await bench
    .uploader({ receipts, chooser: bench.placement(inOrder) })
    .add(pieces(content), { kind: 'file', code });
  assert.ok(added.warnings.some((warning) => warning.includes('takes back')));
  assert.equal(
    bench.receipts.reduce((sum, { indices }) => sum + bitmapCount(indices), 0),
    SHARDS,
  );
  assert.deepEqual(await readBack(bench, added), content);
});

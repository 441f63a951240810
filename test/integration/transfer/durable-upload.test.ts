import assert from 'node:assert/strict';
import { test } from 'node:test';
import { erasureCodes } from '../../../node/coding/codes.ts';
import { ReedSolomon } from '../../../node/coding/reed-solomon.ts';
import { createKzgEngine } from '../../../node/kzg/create-engine.ts';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { FRAME_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { decodeRoot, readSegment } from '../../../protocol/manifest.ts';
import { stripeOf } from '../../../protocol/segment.ts';
import { stream } from '../../helpers/sample-object.ts';
import { openTestStores } from '../../helpers/store-home.ts';
import { collect, pieces, TransferBench } from '../../helpers/transfer-bench.ts';

const signal = new AbortController().signal;
const code = { k: 2, m: 1 } as const;

test('with LevelDB and c-kzg: cut off, reopened, resumed, read back; commitments and parity are those of the shards', async (t) => {
  const engine = createKzgEngine();
  const reedSolomon = new ReedSolomon();
  await engine.start();
  t.after(async () => {
    await engine.stop();
    await reedSolomon.stop();
  });
  const codes = erasureCodes(engine, reedSolomon);
  const bench = new TransferBench(4);
  const content = stream('durable', 7 * FRAME_BYTES + 9);
  const first = await openTestStores(t);
  const portsOf = (stores: typeof first) => ({
    journals: stores.journal,
    manifests: stores.manifests,
    receipts: stores.receivedReceipts,
    catalog: stores.catalog,
    committer: engine,
    codes,
    maxBufferBytes: 2 * 3 * SHARD_BYTES,
  });

  const stop = new AbortController();
  const options = { kind: 'file', code, sourceId: 'durable', name: 'durable.bin' } as const;
  const adding = bench.uploader(portsOf(first)).add(pieces(content), {
    ...options,
    signal: stop.signal,
    onProgress: ({ shards }) => {
      if (shards >= 6) stop.abort(new Error('crash'));
    },
  });
  await assert.rejects(adding, { message: 'crash' });
  await first.close();

  const stores = await openTestStores(t, { home: first.home, create: false });
  const uploader = bench.uploader(portsOf(stores));
  await uploader.start();
  t.after(() => uploader.stop());
  const added = await uploader.add(pieces(content, 1 << 16), options);
  assert.ok(added.resumedBytes >= 6 * SHARD_BYTES);
  const received = bench.network.all.reduce((sum, peer) => sum + peer.received, 0);
  assert.equal(received, added.shards);
  assert.deepEqual(await Array.fromAsync(stores.journal.uploads()), []);

  // As the catalog, the manifest store and the receipt store have it.
  const entry = await stores.catalog.get(added.root);
  assert.deepEqual([entry?.name, entry?.size, entry?.key], ['durable.bin', content.length, added.key]);
  const root = decodeRoot((await stores.manifests.get(added.root)) ?? new Uint8Array());
  const segment = readSegment(
    root,
    0,
    (await stores.manifests.get(root.segments[0] ?? added.root)) ?? new Uint8Array(),
  );
  const signed = await Array.fromAsync(stores.receivedReceipts.scan(added.root));
  assert.equal(signed.flatMap(({ indices }) => bitmapIndices(indices)).length, added.shards);

  // Parity commitments derived from the manifest's commitments are those of the parity shards that holders have.
  const view = stripeOf(segment, root.code, 1);
  assert.ok(view);
  const parity = await codes(1).parityCommitments?.(view.commitments, 2, 1);
  const id = Buffer.from(view.hashes[2] ?? new Uint8Array()).toString('hex');
  const shard = bench.network.all.map(({ staged }) => staged.get(id)).find((bytes) => bytes !== undefined);
  assert.deepEqual(await engine.commit(shard ?? new Uint8Array()), parity?.[0]);

  const object = await bench.downloader({ codes }).open(added, signal);
  assert.deepEqual(await collect(object.read()), content);
});

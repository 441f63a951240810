import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { FRAME_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { stream } from '../../helpers/sample-object.ts';
import { collect, pieces, TransferBench } from '../../helpers/transfer-bench.ts';

const signal = new AbortController().signal;
const content = stream('resumed', 23 * FRAME_BYTES + 100);

async function readBack(bench: TransferBench, link: { readonly root: CID; readonly key: Uint8Array }) {
  return collect((await bench.downloader().open(link, signal)).read());
}

/** Fails as by a crash: when the journal is to keep this entry. */
async function crashes(bench: TransferBench, at: string, adding: () => Promise<unknown>): Promise<void> {
  bench.journals.onPut = (entry) => {
    if (entry === at) throw new Error('crash');
  };
  await assert.rejects(adding(), { message: 'crash' });
  bench.journals.onPut = () => {};
}

test('peers that are away for a moment do not cost an unfinished upload, nor its redundancy', async () => {
  for (const codeId of [undefined, 1] as const) {
    const bench = new TransferBench(12);
    const options = { kind: 'file', sourceId: 'source', ...(codeId === undefined ? {} : { codeId }) } as const;
    const add = () => bench.uploader({ maxBufferBytes: 2 * 12 * SHARD_BYTES }).add(pieces(content), options);
    await crashes(bench, 'staged/2', add);
    const uploads = [...bench.journals.records.keys()];
    for (const { id } of bench.network.all) bench.table.remove(id);
    let present = 0;
    for (const { id } of bench.network.all) {
      await assert.rejects(add(), { type: { code: 'too-few-peers', needed: 12, present: present++ } });
      bench.table.advertised({ peer: id, capacity: 1e12, free: 1e12, region: '', addresses: [] });
    }
    assert.deepEqual([...bench.journals.records.keys()], uploads);
    const added = await add();
    assert.deepEqual(added.code, { id: 1, k: 8, m: 4 });
    assert.ok(added.resumedBytes > 0);
    assert.deepEqual(await readBack(bench, added), content);
  }
});

test('an upload with a lower minimum goes on with as many peers', async () => {
  const bench = new TransferBench(12);
  const options = { kind: 'file', sourceId: 'source', minShards: 10 } as const;
  const add = () => bench.uploader({ maxBufferBytes: 2 * 12 * SHARD_BYTES }).add(pieces(content), options);
  await crashes(bench, 'staged/2', add);
  for (const peer of bench.network.all.slice(0, 2)) {
    peer.online = false;
    bench.table.remove(peer.id);
  }
  const added = await add();
  assert.ok(added.resumedBytes > 0);
  assert.deepEqual(await readBack(bench, added), content);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { toHex } from '../../../protocol/bytes.ts';
import { FRAME_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { decodeSegment } from '../../../protocol/segment.ts';
import { hashCommitment, MemoryFailure } from '../../helpers/memory-network.ts';
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

test('commitments that holders refuse are made anew by the next run, and who signed for the wrong ones is released', async () => {
  const bench = new TransferBench(6);
  const finalize = bench.network.finalize.bind(bench.network);
  const code = { k: 4, m: 2 } as const;
  bench.network.finalize = async (peer, root, segments, ...rest) => {
    const staged = bench.network.all.flatMap((holder) => [...holder.staged.values()]);
    const right = new Set(staged.map((shard) => toHex(hashCommitment(shard))));
    for (const { node } of segments) {
      for (const c of decodeSegment(node, { id: 1, ...code }).stripes.flatMap(({ c }) => chunks(c))) {
        if (right.has(toHex(c))) continue;
        const fault = { code: 'commitment-mismatch', message: 'some shards do not fit the manifest' };
        throw new MemoryFailure({ code: 'refused-invalid', fault }, 'they do not fit');
      }
    }
    return finalize(peer, root, segments, ...rest);
  };
  const options = { kind: 'file', code, sourceId: 'source', commitments: 'local' } as const;
  const { committer } = bench;
  let calls = 0;
  const wrong = {
    ...committer,
    commit: async (blob: Uint8Array) => (++calls === 3 ? new Uint8Array(48) : committer.commit(blob)),
  };
  const adding = bench.uploader({ committer: wrong }).add(pieces(content), options);
  await assert.rejects(adding, { code: 'not-acknowledged' });
  assert.deepEqual([bench.released.length, bench.journals.records.size], [0, 1]);
  const added = await bench.uploader().add(pieces(content), options);
  assert.equal(added.resumedBytes, 36 * SHARD_BYTES);
  assert.deepEqual(await readBack(bench, added), content);
  assert.equal(bench.released.length, 1);
  assert.notEqual(bench.released[0]?.root.toString(), added.root.toString());
});

function chunks(commitments: Uint8Array): Uint8Array[] {
  return Array.from({ length: commitments.length / 48 }, (_, i) => commitments.subarray(48 * i, 48 * (i + 1)));
}

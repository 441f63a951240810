import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AddOptions } from '../../../node/transfer/upload-options.ts';
import { FRAME_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { MemoryFailure } from '../../helpers/memory-network.ts';
import { stream } from '../../helpers/sample-object.ts';
import { pieces, TransferBench } from '../../helpers/transfer-bench.ts';

const code = { k: 4, m: 2 } as const;
/** 24 frames: 6 stripes of 4+2. */
const content = stream('room', 23 * FRAME_BYTES + 100);
const sizeHint = content.length;

/** The first peer, which is drawn before all others, has room for `shards`, and refuses more. */
function nearlyFull(peers: number, shards: number) {
  const bench = new TransferBench(peers);
  const [full] = bench.network.all;
  assert.ok(full);
  for (const { id: peer } of bench.network.all) {
    const free = peer === full.id ? shards * SHARD_BYTES : 1e12;
    bench.table.advertised({ peer, capacity: 1e12, free, region: '', addresses: [] });
  }
  full.fault = (call) => {
    if (call !== 'stage' || full.received < shards) return;
    const fault = { code: 'full', message: 'no space left' };
    throw new MemoryFailure({ code: 'refused-not-allowed', fault }, 'no space left');
  };
  const add = (options: Partial<AddOptions>) => {
    const chooser = bench.placement((bytes) => new Uint8Array(bytes));
    const uploader = bench.uploader({ chooser, maxBufferBytes: 2 * 12 * SHARD_BYTES });
    return uploader.add(pieces(content), { kind: 'file', ...options });
  };
  return { bench, full, add };
}

test('a peer without room for its part of the whole is not drawn, where the size is known', async () => {
  const known = nearlyFull(7, 5);
  const added = await known.add({ code, sizeHint });
  assert.deepEqual([known.full.calls.stage, added.warnings], [0, []]);
  const enough = nearlyFull(7, 6);
  await enough.add({ code, sizeHint });
  assert.equal(enough.full.received, 6);
  const unknown = nearlyFull(7, 2);
  const replaced = await unknown.add({ code });
  assert.ok(unknown.full.received > 0);
  assert.match(replaced.warnings.join(), new RegExp(`holder ${unknown.full.id} failed and was replaced`));
});

test('the code that is chosen counts the peers with room', async () => {
  const { full, add } = nearlyFull(12, 2);
  const added = await add({ sizeHint });
  assert.deepEqual([added.code, full.calls.stage], [{ id: 1, k: 6, m: 3 }, 0]);
});

test('a replacement has room too, unless nobody else is left', async () => {
  for (const [peers, asked] of [
    [8, false],
    [7, true],
  ] as const) {
    const { bench, full, add } = nearlyFull(peers, 5);
    const broken = bench.network.all[1];
    assert.ok(broken);
    broken.fault = () => {
      throw new MemoryFailure({ code: 'closed-early' }, 'the stream broke off');
    };
    const adding = add({ code, sizeHint, minShards: 5 });
    assert.equal((await adding).warnings.length > 0, true);
    assert.equal(full.calls.stage > 0, asked);
  }
});

test('under a cap so few calls are open that each has its turn before its holder gives up', async () => {
  for (const uploadBytesPerSecond of [64 * 1024, undefined]) {
    const bench = new TransferBench(24);
    let [open, most] = [0, 0];
    const stage = bench.network.stage.bind(bench.network);
    bench.network.stage = async (...call) => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      return stage(...call).finally(() => open--);
    };
    const capped = uploadBytesPerSecond === undefined ? {} : { uploadBytesPerSecond };
    await bench.uploader(capped).add(pieces(content), { kind: 'file', code: { k: 16, m: 8 }, commitments: 'local' });
    // Within 30 s, each of them sends a shard.
    if (uploadBytesPerSecond === undefined) assert.ok(most >= 24);
    else assert.ok((most * SHARD_BYTES) / uploadBytesPerSecond < 30);
  }
});

test('a size that is not true costs nobody but the draw', async () => {
  for (const wrong of [0, 1, Number.MAX_SAFE_INTEGER]) {
    const { full, add } = nearlyFull(7, 6);
    const added = await add({ code, sizeHint: wrong });
    assert.equal(added.size, content.length);
    assert.equal(full.received, wrong === Number.MAX_SAFE_INTEGER ? 0 : 6);
  }
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bitmapCount } from '../../../protocol/bitmap.ts';
import type { CodeId, ErasureCode } from '../../../protocol/code.ts';
import { FRAME_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { decodeSegment, stripeOf } from '../../../protocol/segment.ts';
import { stream } from '../../helpers/sample-object.ts';
import { collect, pieces, TransferBench } from '../../helpers/transfer-bench.ts';

const signal = new AbortController().signal;
const codes = [
  { codeId: 1, code: { k: 4, m: 2 } },
  { codeId: 1, code: { k: 2, m: 1 } },
  { codeId: 2, code: { k: 4, m: 2 } },
  { codeId: 0, code: { k: 1, m: 2 } },
] as const;
const sizes = [0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 4 * FRAME_BYTES, 9 * FRAME_BYTES + 17];
const bench = new TransferBench(6);
before(() => bench.start());
after(() => bench.stop());

for (const options of codes) {
  for (const size of sizes) {
    test(`${size} bytes under code ${options.codeId} with ${options.code.k}+${options.code.m} come back`, async () => {
      const content = stream(`size ${size}`, size);
      const added = await bench.uploader().add(pieces(content), { kind: 'file', ...options });
      assert.equal(added.size, size);
      const object = await bench.downloader().open(added, signal);
      assert.deepEqual(await collect(object.read()), content);
    });
  }
}

for (const { codeId, code } of codes) {
  test(`any ${code.m} holders may be away: code ${codeId} with ${code.k}+${code.m}`, async () => {
    const own = new TransferBench(code.k + code.m);
    await own.start();
    try {
      const content = stream('away', 9 * FRAME_BYTES + 17);
      const added = await own.uploader().add(pieces(content), { kind: 'file', codeId, code });
      const holders = own.network.all;
      for (let first = 0; first < holders.length; first++) {
        for (const [i, holder] of holders.entries()) {
          holder.online = (i - first + holders.length) % holders.length >= code.m;
        }
        assert.deepEqual(await collect((await own.downloader().open(added, signal)).read()), content);
      }
    } finally {
      await own.stop();
    }
  });
}

test('every stripe has one shard on each of its holders, and receipts for all', async () => {
  const own = new TransferBench(9);
  const size = 11 * FRAME_BYTES;
  const added = await own.uploader().add(pieces(stream('spread', size)), { kind: 'file', code: { k: 4, m: 2 } });
  assert.equal(added.stripes, 3);
  assert.equal(added.shards, 11 + 3 * 2);
  assert.equal(added.storedBytes, 17 * SHARD_BYTES);
  assert.equal(
    own.receipts.reduce((sum, { indices }) => sum + bitmapCount(indices), 0),
    17,
  );
  const stripes = await Array.fromAsync(own.health().check(added.root, signal));
  for (const { holders, margin, state, expected, present } of stripes) {
    const peers = holders.flat();
    assert.equal(new Set(peers).size, peers.length, 'a peer holds two shards of a stripe');
    assert.deepEqual({ margin, state, present }, { margin: 2, state: 'healthy', present: expected });
  }
  assert.equal(stripes.at(-1)?.needed, 3);
  assert.equal(own.catalog.length, 1);
  assert.equal(own.journals.records.size, 0);
});

test('commits only the data shards of fr-lagrange, and all of gf256', async () => {
  for (const [codeId, expected] of [
    [1, 5],
    [2, 5 + 2 * 2],
  ] as const) {
    const own = new TransferBench(6);
    await own.start();
    const content = stream('commit', 5 * FRAME_BYTES);
    await own.uploader().add(pieces(content), { kind: 'file', codeId, code: { k: 4, m: 2 } });
    assert.equal(own.commits, expected);
    await own.stop();
  }
});

test('no stored shard shows plaintext, and equal files share nothing', async () => {
  const own = new TransferBench(3);
  const content = new Uint8Array(2 * FRAME_BYTES).fill(0x41);
  const uploader = own.uploader();
  const first = await uploader.add(pieces(content), { kind: 'file', code: { k: 2, m: 1 } });
  const second = await uploader.add(pieces(content), { kind: 'file', code: { k: 2, m: 1 } });
  assert.notDeepEqual(first.key, second.key);
  const ids = own.network.all.flatMap(({ staged }) => [...staged.keys()]);
  assert.equal(new Set(ids).size, 6);
  for (const { staged } of own.network.all) {
    for (const shard of staged.values()) assert.equal(Buffer.from(shard).includes(Buffer.alloc(16, 0x41)), false);
  }
});

test('memory: no more stripes are read than the pool has buffers', async () => {
  const own = new TransferBench(3);
  const gate = Promise.withResolvers<void>();
  for (const peer of own.network.all) peer.fault = async (call) => (call === 'stage' ? gate.promise : undefined);
  let read = 0;
  const source = (async function* () {
    for (let i = 0; i < 40; i++) {
      read++;
      yield stream(`frame ${i}`, FRAME_BYTES);
    }
  })();
  const adding = own
    .uploader({ maxBufferBytes: 3 * 3 * SHARD_BYTES })
    .add(source, { kind: 'file', code: { k: 2, m: 1 } });
  for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
  // Three stripes of two frames, and one frame of look-ahead.
  assert.ok(read <= 7, `${read} frames were read`);
  gate.resolve();
  assert.equal((await adding).size, 40 * FRAME_BYTES);
});

test('auto takes the widest code that fits, replicas below three peers, and says how many peers are missing', async () => {
  const sizesOf = async (peers: number) => {
    const own = new TransferBench(peers);
    return (await own.uploader().add(pieces(stream('auto', 10)), { kind: 'file' })).code;
  };
  assert.deepEqual(await sizesOf(1), { id: 0, k: 1, m: 0 });
  assert.deepEqual(await sizesOf(2), { id: 0, k: 1, m: 1 });
  assert.deepEqual(await sizesOf(5), { id: 1, k: 2, m: 1 });
  assert.deepEqual(await sizesOf(9), { id: 1, k: 6, m: 3 });
  const none = new TransferBench(0).uploader().add(pieces(stream('auto', 10)), { kind: 'file' });
  await assert.rejects(none, { type: { code: 'too-few-peers', needed: 1, present: 0 } });
  const few = new TransferBench(5).uploader().add(pieces(stream('auto', 10)), { kind: 'file', code: { k: 4, m: 2 } });
  await assert.rejects(few, { type: { code: 'too-few-peers', needed: 6, present: 5 } });
});

test('range reads touch only the shards they need', async () => {
  const own = new TransferBench(6);
  const content = stream('range', 10 * FRAME_BYTES + 5);
  const added = await own.uploader().add(pieces(content), { kind: 'file', code: { k: 4, m: 2 } });
  const object = await own.downloader().open(added, signal);
  const served = () => own.network.all.reduce((sum, peer) => sum + peer.served, 0);
  const cases = [
    { start: 0, end: 1, shards: 1 },
    { start: FRAME_BYTES - 1, end: FRAME_BYTES + 1, shards: 2 },
    { start: 10 * FRAME_BYTES, end: content.length, shards: 1 },
    { start: 3 * FRAME_BYTES + 9, end: 4 * FRAME_BYTES + 9, shards: 2 },
    { start: 7, end: 7, shards: 0 },
  ];
  for (const { start, end, shards } of cases) {
    const before = served();
    assert.deepEqual(await collect(object.read({ start, end })), content.subarray(start, end));
    assert.equal(served() - before, shards);
  }
  for (const [start, end] of [
    [0, content.length + 1],
    [-1, 4],
    [5, 4],
    [0.5, 4],
  ] as const) {
    assert.throws(() => object.read({ start, end }), { code: 'range-not-satisfiable' });
  }
});

test('every pattern of m lost holders is survived; one more is a clear error', async () => {
  const own = new TransferBench(6);
  const content = stream('loss', 9 * FRAME_BYTES + 3);
  const added = await own.uploader().add(pieces(content), { kind: 'file', code: { k: 4, m: 2 } });
  const peers = own.network.all;
  for (let a = 0; a < 6; a++) {
    for (let b = a + 1; b < 6; b++) {
      for (const [i, peer] of peers.entries()) peer.online = i !== a && i !== b;
      const object = await own.downloader().open(added, signal);
      assert.deepEqual(await collect(object.read()), content);
    }
  }
  for (const [i, peer] of peers.entries()) peer.online = i > 2;
  const object = await own.downloader().open(added, signal);
  const type = { code: 'not-enough-shards', root: added.root.toString(), segment: 0, stripe: 0, have: 3, need: 4 };
  await assert.rejects(collect(object.read()), { type });
  const health = await Array.fromAsync(own.health().check(added.root, signal));
  assert.deepEqual(health.map(({ state, margin }) => ({ state, margin })).at(0), { state: 'lost', margin: -1 });
});

test('garbage is found, reported once a shard, and replaced from others', async () => {
  const own = new TransferBench(6);
  const content = stream('garbage', 8 * FRAME_BYTES);
  const added = await own.uploader().add(pieces(content), { kind: 'file', code: { k: 4, m: 2 } });
  const [liar, forgetful] = own.network.all;
  assert.ok(liar && forgetful);
  liar.tamper = (_, shard) => Uint8Array.from(shard, (byte, i) => (i === 77 ? byte ^ 1 : byte));
  forgetful.tamper = () => undefined;
  const faults: string[] = [];
  const downloader = own.downloader({ onShardFault: ({ peer, kind }) => faults.push(`${kind} ${peer}`) });
  assert.deepEqual(await collect((await downloader.open(added, signal)).read()), content);
  assert.ok(faults.length > 0);
  for (const fault of faults) assert.ok([`garbage ${liar.id}`, `not-held ${forgetful.id}`].includes(fault), fault);
});

test('a holder that never answers is hedged around', async () => {
  const own = new TransferBench(6);
  const content = stream('hang', 8 * FRAME_BYTES);
  const added = await own.uploader().add(pieces(content), { kind: 'file', code: { k: 4, m: 2 } });
  const never = new Promise<void>(() => {});
  for (const peer of own.network.all.slice(0, 2)) peer.fault = async (call) => (call === 'fetch' ? never : undefined);
  assert.deepEqual(await collect((await own.downloader().open(added, signal)).read()), content);
});

test('once enough shards are here, what the slow holders were asked for is cancelled', async () => {
  const own = new TransferBench(6);
  const content = stream('long tail', 8 * FRAME_BYTES);
  const added = await own.uploader().add(pieces(content), { kind: 'file', code: { k: 4, m: 2 } });
  // Whoever has a data shard is asked, whatever the draw of holders.
  const slow = own.network.all.find(({ stored }) => [...stored.values()].some((indices) => indices.has(0)));
  assert.ok(slow);
  const calls: AbortSignal[] = [];
  const { network } = own;
  const client = {
    have: network.have.bind(network),
    async *fetch(...[peer, segment, indices, abort]: Parameters<typeof network.fetch>) {
      if (peer === slow.id && abort !== undefined) {
        calls.push(abort);
        await new Promise((_, reject) => abort.addEventListener('abort', () => reject(abort.reason)));
      }
      yield* network.fetch(peer, segment, indices, abort);
    },
  };
  let left = content.length;
  for await (const chunk of (await own.downloader({ client }).open(added, signal)).read()) {
    left -= chunk.length;
    // The download is still open here: it is not its end that cancels.
    if (left === 0) assert.ok(calls.every(({ aborted }) => aborted));
  }
  assert.equal(left, 0);
  assert.ok(calls.length > 0);
});

test('parity that does not belong to its data is never decoded into a file', async () => {
  for (const codeId of [1, 2] as const) {
    const own = new TransferBench(6);
    await own.start();
    const miscoding = (id: CodeId): ErasureCode => {
      const honest = own.codes(id);
      const encode: ErasureCode['encode'] = async (data, k, m, abort) => {
        const parity = await honest.encode(data, k, m, abort);
        return parity.map((shard) => Uint8Array.from(shard, (byte, i) => (i === 9 ? byte ^ 1 : byte)));
      };
      return { ...honest, encode };
    };
    const uploader = own.uploader({ codes: miscoding });
    const added = await uploader.add(pieces(stream('miscoded', 4 * FRAME_BYTES)), {
      kind: 'file',
      codeId,
      code: { k: 4, m: 2 },
    });
    // Position 0 of stripe 0 is gone, so that it must be rebuilt.
    for (const peer of own.network.all) peer.tamper = (index, shard) => (index === 0 ? undefined : shard);
    const object = await own.downloader().open(added, signal);
    await assert.rejects(collect(object.read()), { code: 'bad-manifest' });
    await own.stop();
  }
});

test('leaving the loop cancels what is on its way', async () => {
  const own = new TransferBench(3);
  const content = new Uint8Array(60 * FRAME_BYTES);
  const added = await own.uploader().add(pieces(content), { kind: 'file', code: { k: 2, m: 1 } });
  const object = await own.downloader({ readAheadBytes: 6 * SHARD_BYTES }).open(added, signal);
  for await (const _ of object.read()) break;
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  const served = own.network.all.reduce((sum, peer) => sum + peer.served, 0);
  assert.ok(served < 20, `${served} shards were sent for one that was read`);
});

test('without its key a file is not read, with a wrong one neither', async () => {
  const added = await bench.uploader().add(pieces(stream('key', 1000)), { kind: 'file', code: { k: 2, m: 1 } });
  const without = await bench.downloader().open({ root: added.root }, signal);
  await assert.rejects(collect(without.read()), { code: 'key-missing' });
  const wrong = await bench.downloader().open({ root: added.root, key: new Uint8Array(32) }, signal);
  await assert.rejects(collect(wrong.read()), {
    type: { code: 'decryption-failed', root: added.root.toString(), frame: 0 },
  });
});

test('a manifest that nobody has, and one of another network', async () => {
  const added = await bench.uploader().add(pieces(stream('net', 10)), { kind: 'file', code: { k: 2, m: 1 } });
  const elsewhere = bench.downloader({ locator: bench.locator(new Uint8Array(32)) });
  await assert.rejects(elsewhere.open(added, signal), { code: 'wrong-network' });
  const empty = new TransferBench(3).downloader();
  await assert.rejects(empty.open(added, signal), {
    type: { code: 'not-found', cid: added.root.toString(), asked: 3 },
  });
});

test('objects of several segments: each has its own holders, and is read across the border', async () => {
  const own = new TransferBench(4);
  // One data shard a stripe: 1,024 stripes a segment.
  const frames = 1026;
  const source = (async function* () {
    for (let i = 0; i < frames; i++) yield new Uint8Array(FRAME_BYTES).fill(i % 251);
  })();
  const added = await own
    .uploader({ maxBufferBytes: 1 << 23 })
    .add(source, { kind: 'file', codeId: 0, code: { k: 1, m: 0 } });
  assert.equal(added.stripes, frames);
  const object = await own.downloader().open(added, signal);
  assert.equal(object.root.segments.length, 2);
  const second = own.nodes.get(object.root.segments[1]?.toString() ?? '');
  assert.equal(stripeOf(decodeSegment(second ?? new Uint8Array(), added.code), added.code, 1)?.dataCount, 1);
  const range = { start: 1023 * FRAME_BYTES - 1, end: 1025 * FRAME_BYTES + 1 };
  const bytes = await collect(object.read(range));
  assert.equal(bytes.length, range.end - range.start);
  assert.deepEqual([bytes[0], bytes[1], bytes.at(-2), bytes.at(-1)], [1022 % 251, 1023 % 251, 1024 % 251, 1025 % 251]);
});

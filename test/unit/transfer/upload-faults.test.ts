import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import type { AddProgress } from '../../../node/transfer/upload-options.ts';
import { bitmapCount } from '../../../protocol/bitmap.ts';
import { concat, toHex } from '../../../protocol/bytes.ts';
import { FRAME_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { MemoryFailure } from '../../helpers/memory-network.ts';
import { stream } from '../../helpers/sample-object.ts';
import { collect, pieces, TransferBench } from '../../helpers/transfer-bench.ts';

const signal = new AbortController().signal;
const code = { k: 4, m: 2 } as const;
const FRAMES = 23;
const content = stream('faults', FRAMES * FRAME_BYTES + 100);
/** 24 frames: 6 stripes of 4+2. */
const SHARDS = 36;

async function readBack(bench: TransferBench, link: { readonly root: CID; readonly key: Uint8Array }) {
  return collect((await bench.downloader().open(link, signal)).read());
}

const distinct = async (bench: TransferBench, root: CID) => {
  for await (const { holders, margin } of bench.health().check(root, signal)) {
    const peers = holders.flat();
    assert.equal(new Set(peers).size, peers.length);
    assert.equal(margin, 2);
  }
};

function broken(): never {
  throw new MemoryFailure({ code: 'closed-early' }, 'the stream broke off');
}

test('a holder that fails for a moment is tried again and keeps its shards', async () => {
  const bench = new TransferBench(6);
  for (const peer of bench.network.all)
    peer.fault = (call, count) => (call === 'stage' && count === 1 ? broken() : undefined);
  const added = await bench.uploader().add(pieces(content), { kind: 'file', code });
  assert.deepEqual(added.warnings, []);
  assert.deepEqual(await readBack(bench, added), content);
});

test('a busy holder is waited for', async () => {
  const bench = new TransferBench(6);
  const [busy] = bench.network.all;
  assert.ok(busy);
  busy.fault = (call, count) => {
    if (call !== 'have' && count <= 2)
      throw new MemoryFailure({ code: 'refused-busy', retryAt: Date.now() + 500 }, 'busy');
  };
  const added = await bench.uploader().add(pieces(content), { kind: 'file', code });
  assert.deepEqual(added.warnings, []);
  assert.deepEqual(await readBack(bench, added), content);
});

test('a holder that fails while shards are staged is replaced, and what it had is rebuilt elsewhere', async () => {
  for (const staysFor of [0, 1, 2]) {
    const bench = new TransferBench(9);
    const victims = bench.network.all.slice(0, 2);
    for (const peer of victims) {
      peer.fault = (_call, count) => {
        if (peer.calls.stage > staysFor || (_call === 'stage' && count > staysFor)) broken();
      };
    }
    const uploader = bench.uploader({ maxBufferBytes: 2 * 6 * SHARD_BYTES });
    const added = await uploader.add(pieces(content), { kind: 'file', code });
    for (const { calls, signer } of victims) {
      const key = toHex(signer.publicKey);
      const signed = bench.receipts.some(({ holder }) => toHex(holder) === key);
      assert.equal(signed, calls.stage <= staysFor && calls.finalize > 0, 'who failed has not signed, all others have');
    }
    assert.equal(added.shards, SHARDS);
    await distinct(bench, added.root);
    assert.deepEqual(await readBack(bench, added), content);
  }
});

test('a holder that is banned while shards are staged gets no more of them', async () => {
  const bench = new TransferBench(9);
  const [banned] = bench.network.all;
  assert.ok(banned);
  const placement = bench.placement();
  const refusal = new Error('banned');
  let sentBefore = 0;
  const chooser = {
    eligible: (request: Parameters<typeof placement.eligible>[0]) => placement.eligible(request),
    select: (request: Parameters<typeof placement.select>[0]) => {
      const { peers, warnings } = placement.select({ ...request, exclude: [...(request.exclude ?? []), banned.id] });
      // Drawn once, at first; banned as soon as it has something.
      return { peers: request.count > 1 ? [banned.id, ...peers.slice(1)] : peers, warnings };
    },
    refusalOf: (peer: string) => (peer === banned.id && banned.calls.stage > 0 ? refusal : undefined),
  };
  banned.fault = (call) => {
    if (call === 'stage') sentBefore++;
  };
  const uploader = bench.uploader({ chooser, maxBufferBytes: 2 * 6 * SHARD_BYTES });
  const added = await uploader.add(pieces(content), { kind: 'file', code });
  assert.ok(sentBefore > 0 && sentBefore <= 2, `${sentBefore} calls: what was on its way when it was banned`);
  assert.ok(added.warnings.some((warning) => warning.includes('(banned)')));
  await distinct(bench, added.root);
  assert.deepEqual(await readBack(bench, added), content);
});

test('a holder that does not sign is replaced by one that does, with shards rebuilt from the others', async () => {
  const bench = new TransferBench(8);
  for (const peer of bench.network.all.slice(0, 2)) peer.fault = (call) => (call === 'finalize' ? broken() : undefined);
  const added = await bench.uploader().add(pieces(content), { kind: 'file', code });
  assert.equal(
    bench.receipts.reduce((sum, { indices }) => sum + bitmapCount(indices), 0),
    SHARDS,
  );
  await distinct(bench, added.root);
  assert.deepEqual(await readBack(bench, added), content);
});

test('too few receipts: not acknowledged, nothing in the catalog, and holders are told to release', async () => {
  const bench = new TransferBench(6);
  for (const peer of bench.network.all.slice(0, 3)) peer.fault = (call) => (call === 'finalize' ? broken() : undefined);
  const adding = bench.uploader().add(pieces(content), { kind: 'file', code });
  await assert.rejects(adding, { code: 'not-acknowledged' });
  assert.equal(bench.catalog.length, 0);
  assert.equal(bench.journals.records.size, 0);
  assert.equal(bench.released.length, 1);
  assert.equal(bench.released[0]?.holders.length, 6, 'also those whose answer may have been lost');
  assert.equal(bench.receipts.length, 0);
});

test('minShards: acknowledged with fewer holders, but never with k only', async () => {
  const bench = new TransferBench(6);
  const [away] = bench.network.all;
  assert.ok(away);
  away.fault = () => broken();
  await assert.rejects(bench.uploader().add(pieces(content), { kind: 'file', code }), { code: 'not-acknowledged' });
  const added = await bench.uploader().add(pieces(content), { kind: 'file', code, minShards: 5 });
  assert.ok(added.warnings.some((warning) => warning.includes(away.id)));
  assert.deepEqual(await readBack(bench, added), content);
  const four = bench.uploader().add(pieces(content), { kind: 'file', code, minShards: 4 });
  await assert.rejects(four, { type: { code: 'bad-option', option: 'minShards' } });
});

test('a source that fails aborts the upload; a source that hangs ends with its signal', async () => {
  const bench = new TransferBench(6);
  const broke = new Error('the disk is gone');
  const failing = (async function* () {
    yield content.subarray(0, 3 * FRAME_BYTES);
    throw broke;
  })();
  await assert.rejects(bench.uploader().add(failing, { kind: 'file', code }), { code: 'source-failed', cause: broke });
  const hanging = (async function* () {
    yield content.subarray(0, 3 * FRAME_BYTES);
    await new Promise(() => {});
  })();
  const stop = new AbortController();
  const adding = bench.uploader().add(hanging, { kind: 'file', code, signal: stop.signal });
  setImmediate(() => stop.abort(new Error('enough')));
  await assert.rejects(adding, { message: 'enough' });
  assert.equal(bench.catalog.length, 0);
  assert.equal(bench.journals.records.size, 0);
});

/** Runs an upload that is cut off after `stripes` staged stripes, as by a crash: the journal stays. */
async function interrupted(bench: TransferBench, source: Uint8Array, stripes: number): Promise<void> {
  const stop = new AbortController();
  let staged = 0;
  bench.journals.onPut = (entry) => {
    if (entry.startsWith('staged/') && ++staged === stripes) stop.abort(new Error('crash'));
  };
  const uploader = bench.uploader({ maxBufferBytes: 2 * 6 * SHARD_BYTES });
  const adding = uploader.add(pieces(source), { kind: 'file', code, sourceId: 'source', signal: stop.signal });
  await assert.rejects(adding, { message: 'crash' });
  bench.journals.onPut = () => {};
}

test('resume: nothing is stored, sent or committed twice, and the key stays', async () => {
  for (const stripes of [1, 3, 5]) {
    const bench = new TransferBench(8);
    await interrupted(bench, content, stripes);
    const before = {
      commits: bench.commits,
      shards: bench.network.all.reduce((sum, { staged }) => sum + staged.size, 0),
    };
    const added = await bench.uploader().add(pieces(content, 7777), { kind: 'file', code, sourceId: 'source' });
    assert.ok(added.resumedBytes >= stripes * 6 * SHARD_BYTES);
    assert.equal(added.resumedBytes, before.shards * SHARD_BYTES);
    const received = bench.network.all.reduce((sum, peer) => sum + peer.received, 0);
    assert.equal(received, SHARDS, 'a shard travelled twice');
    // Staged stripes keep their commitments; those of stripes in flight may be made again.
    assert.ok(bench.commits - before.commits <= 24 - 4 * stripes);
    assert.deepEqual(await readBack(bench, added), content);
    assert.equal(bench.journals.records.size, 0);
  }
});

test('resume: a slot that nobody could take before is offered again', async () => {
  const bench = new TransferBench(6);
  const [full] = bench.network.all;
  assert.ok(full);
  full.fault = (call) => (call === 'stage' ? broken() : undefined);
  const add = () => bench.uploader().add(pieces(content), { kind: 'file', code, sourceId: 'source' });
  for (let i = 0; i < 2; i++) {
    await assert.rejects(add(), {
      code: 'not-acknowledged',
      message: /found 5 holders of the 6 it needs \(the last that failed: [^)]+\): connect more peers/,
    });
  }
  full.fault = () => {};
  const added = await add();
  assert.ok(added.resumedBytes > 0);
  assert.equal(added.holders, 6);
  assert.deepEqual(await readBack(bench, added), content);
});

test('a source that changed is never encrypted again under the same key', async () => {
  const seals = new Map<string, string>();
  const bench = new TransferBench(8);
  const { aesGcm } = await import('../../../node/transfer/aead.ts');
  const watched = {
    ...aesGcm,
    seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array) {
      const use = `${toHex(key)}/${toHex(nonce)}`;
      const text = Buffer.from(plaintext).toString('base64');
      assert.equal(seals.get(use) ?? text, text, 'a key and nonce sealed two plaintexts');
      seals.set(use, text);
      return aesGcm.seal(key, nonce, plaintext);
    },
  };
  const add = (source: Uint8Array) =>
    bench
      .uploader({ aead: watched, maxBufferBytes: 2 * 6 * SHARD_BYTES })
      .add(pieces(source), { kind: 'file', code, sourceId: 'source' });
  const cut = async (source: Uint8Array) => {
    bench.journals.onPut = (entry) => {
      if (entry === 'staged/3') throw new Error('crash');
    };
    await assert.rejects(add(source), { message: 'crash' });
    bench.journals.onPut = () => {};
  };
  const flipped = (at: number) => Uint8Array.from(content, (byte, i) => (i === at ? byte ^ 1 : byte));

  // In the first stripe it begins again by itself, under a new key.
  await cut(content);
  const first = flipped(2 * FRAME_BYTES);
  assert.deepEqual(await readBack(bench, await add(first)), first);

  // Later the caller has to give the source again.
  await cut(content);
  const later = flipped(9 * FRAME_BYTES);
  await assert.rejects(add(later), { type: { code: 'source-changed-restart', sourceId: 'source', stripe: 2 } });
  assert.equal(bench.journals.records.size, 0);
  assert.deepEqual(await readBack(bench, await add(later)), later);

  // Shorter and longer sources differ in their last frame, even where their bytes agree.
  for (const changed of [content.subarray(0, 6 * FRAME_BYTES), concat(content, Uint8Array.of(1))]) {
    await cut(content);
    const result = await add(changed).catch((error) => {
      assert.equal(error.code, 'source-changed-restart');
      return add(changed);
    });
    assert.deepEqual(await readBack(bench, result), changed);
  }
});

test('progress counts a shard that is signed for again once', async () => {
  const bench = new TransferBench(7);
  const [victim] = bench.network.all;
  assert.ok(victim);
  // It takes a stripe and fails: its replacement stores the others, and signs again when it takes over the first, too.
  victim.fault = (call, count) => (call !== 'stage' || count > 1 ? broken() : undefined);
  const signed: number[] = [];
  const onProgress = ({ phase, shards }: AddProgress) => void (phase === 'finalize' && signed.push(shards));
  const random = (bytes: number) => new Uint8Array(bytes);
  const uploader = bench.uploader({ maxBufferBytes: 2 * 6 * SHARD_BYTES, chooser: bench.placement(random) });
  await uploader.add(pieces(content), { kind: 'file', code, onProgress });
  assert.ok(bench.receipts.length > 6, 'nobody signed again');
  assert.equal(Math.max(...signed), SHARDS);
});

test('another code, kind or source begins anew; the same source cannot be added twice at once', async () => {
  const bench = new TransferBench(8);
  await interrupted(bench, content, 2);
  const [upload] = [...bench.journals.records.keys()];
  const other = await bench.uploader().add(pieces(content), { kind: 'file', code, sourceId: 'another' });
  assert.equal(other.resumedBytes, 0);
  assert.deepEqual([...bench.journals.records.keys()], [upload]);
  const wider = await bench.uploader().add(pieces(content), { kind: 'file', code: { k: 2, m: 1 }, sourceId: 'source' });
  assert.equal(wider.resumedBytes, 0);
  assert.equal(bench.journals.records.size, 0);
  const uploader = bench.uploader();
  const twice = [1, 2].map(() => uploader.add(pieces(content), { kind: 'file', code, sourceId: 'source' }));
  const results = await Promise.allSettled(twice);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
});

test('damage to a journal: its head gone, it is forgotten; a fingerprint gone, the key is not used again', async () => {
  const damage = (bytes: Uint8Array | undefined) => bytes && Uint8Array.from(bytes, (byte, i) => (i < 4 ? 0xff : byte));
  const add = (bench: TransferBench) =>
    bench.uploader().add(pieces(content), { kind: 'file', code, sourceId: 'source' });
  const cases = [
    { entry: 'head', resumes: 'no' },
    { entry: 'sealed/0', resumes: 'no' },
    { entry: 'sealed/1', resumes: 'refused' },
    { entry: 'staged/0', resumes: 'yes' },
    // Holders are drawn again, by chance the same or others.
    { entry: 'holders/0', resumes: 'by chance' },
  ];
  for (const { entry, resumes } of cases) {
    const bench = new TransferBench(6);
    await interrupted(bench, content, 3);
    const [journal] = [...bench.journals.records.values()];
    const bytes = damage(journal?.get(entry));
    assert.ok(journal && bytes);
    journal.set(entry, bytes);
    if (resumes === 'refused') {
      await assert.rejects(add(bench), { code: 'source-changed-restart' });
      assert.equal(bench.journals.records.size, 0);
      continue;
    }
    const added = await add(bench);
    if (resumes !== 'by chance') assert.equal(added.resumedBytes > 0, resumes === 'yes', entry);
    assert.deepEqual(await readBack(bench, added), content);
    const next = bench.uploader();
    await next.start();
    await next.stop();
    assert.equal(bench.journals.records.size, 0);
  }
});

test('start forgets what nobody can resume; stop aborts what runs and keeps its journal', async () => {
  const bench = new TransferBench(6);
  await interrupted(bench, content, 1);
  const anonymous = Buffer.alloc(16, 7);
  const [head] = [...bench.journals.records.values()].map((entries) => entries.get('head') as Uint8Array);
  const { UploadJournal } = await import('../../../node/transfer/journal.ts');
  await UploadJournal.begin(bench.journals, anonymous, {
    key: new Uint8Array(32),
    created: Date.now(),
    kind: 'file',
    code: { id: 1, k: 2, m: 1 },
  });
  assert.ok(head);
  assert.equal(bench.journals.records.size, 2);
  const uploader = bench.uploader();
  await uploader.start();
  assert.equal(bench.journals.records.size, 1);
  const adding = uploader.add(pieces(content), { kind: 'file', code, sourceId: 'source' });
  adding.catch(() => {});
  await uploader.stop();
  await assert.rejects(adding, { name: 'AbortError' });
  assert.equal(bench.journals.records.size, 1);
});

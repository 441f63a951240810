import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAME_BYTES } from '../../../protocol/constants.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { MemoryFailure } from '../../helpers/memory-network.ts';
import { stream } from '../../helpers/sample-object.ts';
import { collect, pieces, TransferBench } from '../../helpers/transfer-bench.ts';

const DAY = 24 * 60 * 60_000;
const code = { k: 4, m: 2 } as const;
const content = stream('unfinished', 7 * FRAME_BYTES + 100);
const resumable = { kind: 'file', code, sourceId: 'source' } as const;
const anonymous = { kind: 'file', code } as const;

/** Six holders of whom three store and do not sign. */
function halfSigns(): TransferBench {
  const bench = new TransferBench(6);
  for (const peer of bench.network.all.slice(0, 3)) {
    peer.fault = (call) => {
      if (call === 'finalize') throw new MemoryFailure({ code: 'closed-early' }, 'the stream broke off');
    };
  }
  return bench;
}

/** All who may have signed were told, once, and nothing is left of the upload. */
function assertReleased(bench: TransferBench, roots: readonly string[]): void {
  assert.deepEqual(
    bench.released.map(({ root }) => root.toString()),
    roots,
  );
  for (const { holders } of bench.released)
    assert.deepEqual([...holders].sort(), [...bench.network.peers.keys()].sort());
  assert.ok(!bench.receipts.some(({ root }) => roots.includes(root.toString())));
}

test('an upload whose holders signed can go on; when it has become too old, they are released', async (t) => {
  const bench = halfSigns();
  await assert.rejects(bench.uploader().add(pieces(content), resumable), { code: 'not-acknowledged' });
  const root = bench.receipts[0]?.root.toString() ?? '';
  assert.ok(bench.receipts.length >= 3);
  const clock = new ManualClock(Date.now());
  const uploader = bench.uploader({ clock });
  await uploader.start();
  t.after(() => uploader.stop());
  await clock.advance(6 * DAY);
  assert.deepEqual([bench.released.length, bench.journals.records.size], [0, 1]);
  await clock.advance(2 * DAY);
  assert.equal(bench.journals.records.size, 0);
  assertReleased(bench, [root]);
});

test('an upload that is running is not too old', async (t) => {
  const bench = new TransferBench(6);
  const clock = new ManualClock();
  const uploader = bench.uploader({ clock });
  await uploader.start();
  t.after(() => uploader.stop());
  async function* slow() {
    yield* pieces(content.subarray(0, 5 * FRAME_BYTES));
    await clock.advance(9 * DAY);
    yield* pieces(content.subarray(5 * FRAME_BYTES));
  }
  const added = await uploader.add(slow(), resumable);
  assert.deepEqual(await collect((await bench.downloader().open(added, t.signal)).read()), content);
});

test('one that gives way to another choice is released', async () => {
  const bench = halfSigns();
  await assert.rejects(bench.uploader().add(pieces(content), resumable), { code: 'not-acknowledged' });
  const root = bench.receipts[0]?.root.toString() ?? '';
  for (const peer of bench.network.all) peer.fault = () => {};
  await bench.uploader().add(pieces(content), { ...resumable, code: { k: 2, m: 1 } });
  assertReleased(bench, [root]);
});

test('a crash while holders sign for what nobody can resume: the next start releases it', async () => {
  const bench = halfSigns();
  const gone = async () => {};
  const crashing = bench.uploader({
    journals: {
      put: (...entry) => bench.journals.put(...entry),
      get: (...entry) => bench.journals.get(...entry),
      remove: (...entries) => bench.journals.remove(...entries),
      uploads: () => bench.journals.uploads(),
      drop: gone,
    },
    receipts: { ...bench.receiptBook, removeRoot: gone },
    abandoned: { release: gone },
  });
  await assert.rejects(crashing.add(pieces(content), anonymous), { code: 'not-acknowledged' });
  const root = bench.receipts[0]?.root.toString() ?? '';
  assert.equal(bench.journals.records.size, 1);
  const next = bench.uploader();
  await next.start();
  await next.stop();
  assert.equal(bench.journals.records.size, 0);
  assertReleased(bench, [root]);
});

test('a crash between the acknowledgement and the end of the journal releases nothing', async (t) => {
  const bench = new TransferBench(6);
  const { drop } = bench.journals;
  bench.journals.drop = async () => {
    throw new Error('crash');
  };
  await assert.rejects(bench.uploader().add(pieces(content), anonymous), /crash/);
  bench.journals.drop = drop;
  const next = bench.uploader();
  await next.start();
  await next.stop();
  assert.deepEqual([bench.released.length, bench.journals.records.size, bench.catalog.length], [0, 0, 1]);
  const [entry] = bench.catalog;
  assert.ok(entry !== undefined && bench.receipts.length > 0);
  assert.deepEqual(await collect((await bench.downloader().open(entry, t.signal)).read()), content);
});

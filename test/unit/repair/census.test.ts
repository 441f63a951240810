import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { FRAME_BYTES } from '../../../protocol/constants.ts';
import type { Root } from '../../../protocol/manifest.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import type { MemoryPeer } from '../../helpers/memory-network.ts';
import { MemoryFailure } from '../../helpers/memory-network.ts';
import { RepairBench } from '../../helpers/repair-bench.ts';
import { stream } from '../../helpers/sample-object.ts';
import { TransferBench } from '../../helpers/transfer-bench.ts';

const GRACE_MS = 10_000;
const signal = new AbortController().signal;
const content = stream('census', 4 * FRAME_BYTES);

async function* pieces() {
  yield content;
}

describe('who has what', () => {
  let bench: TransferBench;
  let root: CID;
  let manifest: Root;
  before(async () => {
    bench = new TransferBench(8);
    ({ root } = await bench.uploader().add(pieces(), { kind: 'file', code: { k: 4, m: 2 } }));
    manifest = await bench.locator().root(root, signal);
  });

  /** A guardian with its own clock, who knows the receipts of all holders, or of none. */
  function guardian(knows: 'all' | 'none' = 'all') {
    const clock = new ManualClock();
    const own = new RepairBench(bench, clock);
    if (knows === 'none') own.receipts.length = 0;
    own.graceMs = GRACE_MS;
    const look = async (options: { keep?: boolean; watchedSince?: number } = {}) => {
      const { stripes, census } = await own.survey.segment(root, manifest, 0, { keep: false, ...options }, signal);
      const [stripe] = stripes;
      assert.ok(stripe !== undefined);
      const { healthy, suspected } = stripe.counts;
      return { healthy, suspected, census };
    };
    return { clock, own, look };
  }

  test('a holder that does not answer is away until its grace is over, and back at once', async () => {
    const { clock, own, look } = guardian();
    const [holder] = own.holders() as [MemoryPeer];
    holder.online = false;
    const first = await look();
    assert.deepEqual([first.healthy, first.suspected, first.census.nextGone], [5, 1, GRACE_MS]);
    await clock.advance(GRACE_MS - 1);
    assert.equal((await look()).suspected, 1);
    await clock.advance(1);
    const gone = await look();
    assert.deepEqual([gone.healthy, gone.suspected], [5, 0]);
    assert.ok(gone.census.gone.has(holder.id));
    holder.online = true;
    assert.equal((await look()).healthy, 6);
    assert.equal(own.absences.since(holder.id, root), undefined);
  });

  test('others are searched for when a holder is gone, and not while it is away', async (t) => {
    const { clock, own, look } = guardian();
    const [holder] = own.holders() as [MemoryPeer];
    const strangers = bench.network.all.filter(({ stored }) => stored.size === 0).map(({ id }) => id);
    assert.ok(strangers.length > 0);
    const have = t.mock.method(bench.network, 'have');
    const searched = async (options: { keep: boolean }) => {
      have.mock.resetCalls();
      await look(options);
      return have.mock.calls.some(({ arguments: [peer] }) => strangers.includes(peer));
    };
    holder.online = false;
    assert.equal(await searched({ keep: true }), false);
    assert.equal(await searched({ keep: false }), true);
    await clock.advance(GRACE_MS);
    assert.equal(await searched({ keep: true }), true);
    holder.online = true;
  });

  test('who is gone and not connected is not called at each look, but when the state is asked for', async (t) => {
    const { clock, own, look } = guardian();
    const [holder] = own.holders() as [MemoryPeer];
    const have = t.mock.method(bench.network, 'have');
    holder.online = false;
    const callsOf = async (options: { keep: boolean }) => {
      have.mock.resetCalls();
      assert.equal((await look(options)).healthy, 5);
      return have.mock.calls.filter((call) => call.arguments[0] === holder.id).length;
    };
    assert.equal(await callsOf({ keep: true }), 1);
    await clock.advance(GRACE_MS);
    assert.deepEqual([await callsOf({ keep: true }), await callsOf({ keep: true })], [1, 0]);
    assert.equal(await callsOf({ keep: false }), 1);
    await clock.advance(GRACE_MS);
    assert.equal(await callsOf({ keep: true }), 1);
    holder.online = true;
    assert.equal((await look({ keep: true })).healthy, 6);
  });

  test('a holder that is busy for longer than its grace is gone like one that does not answer', async () => {
    const { clock, own, look } = guardian();
    const [holder] = own.holders() as [MemoryPeer];
    holder.fault = () => {
      throw new MemoryFailure({ code: 'refused-busy', retryAt: 0 }, 'busy');
    };
    await look();
    await clock.advance(2 * GRACE_MS);
    const { suspected, census } = await look();
    holder.fault = () => {};
    assert.deepEqual([suspected, census.gone.size], [0, 1]);
  });

  test('whoever says that it has nothing any more has lost it at once', async () => {
    const { own, look } = guardian();
    const [holder] = own.holders() as [MemoryPeer];
    const kept = new Map(holder.stored);
    holder.stored.clear();
    const { healthy, suspected } = await look();
    for (const [segment, indices] of kept) holder.stored.set(segment, indices);
    assert.deepEqual([healthy, suspected], [5, 0]);
  });

  test('a guardian that has met nobody yet gives them the grace as well, and keeps what it sees', async () => {
    const { clock, own, look } = guardian('none');
    const [holder] = own.holders() as [MemoryPeer];
    holder.online = false;
    const first = await look({ keep: true, watchedSince: 0 });
    assert.deepEqual([first.healthy, first.suspected], [5, 1]);
    assert.equal(own.receipts.length, 5);
    await clock.advance(GRACE_MS);
    const later = await look({ keep: true, watchedSince: 0 });
    holder.online = true;
    assert.deepEqual([later.healthy, later.suspected], [5, 0]);
    // Of a file that is not watched, what is missing is missing.
    holder.online = false;
    assert.equal((await guardian('none').look()).suspected, 0);
    holder.online = true;
  });

  test('a receipt that binds nobody counts for nothing', async () => {
    const { own, look } = guardian('none');
    const [holder] = own.holders() as [MemoryPeer];
    const kept = new Map(holder.receipts);
    for (const [segment, receipt] of kept) holder.receipts.set(segment, { ...receipt, expiresAt: 7 });
    const { healthy } = await look();
    for (const [segment, receipt] of kept) holder.receipts.set(segment, receipt);
    assert.equal(healthy, 5);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../node/log.ts';
import { Scrubber } from '../../../node/scrub/scrubber.ts';
import { StoreError } from '../../../node/store/errors.ts';
import type { FinishedScrub, ScrubState } from '../../../node/store/scrub-store.ts';
import { compareBytes } from '../../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const DAY = 24 * 60 * 60 * 1000;
const CYCLE_MS = 14 * DAY;
const PAGE = 8;

/** Shards 0 … n−1 in memory; the clock moves a shard at a time. */
function scrubber(count: number, { shardsPerSecond = 4, state = {} as ScrubState, clock = new ManualClock() } = {}) {
  const ids = Array.from({ length: count }, (_, i) => Uint8Array.of(i));
  const reads: number[] = [];
  const marked: number[] = [];
  const done: FinishedScrub[] = [];
  const bad = new Map<number, StoreError | 'gone'>();
  const kept = { state };
  const made = new Scrubber({
    shards: {
      async storedAfter(after) {
        const from = ids.filter((id) => after === undefined || compareBytes(id, after) > 0);
        const page = from.slice(0, PAGE);
        return { ids: page, next: from.length > PAGE ? page.at(-1) : undefined };
      },
      async get(id, signal) {
        signal?.throwIfAborted();
        const n = id[0] as number;
        reads.push(n);
        const fault = bad.get(n);
        if (fault === 'gone') return undefined;
        if (fault !== undefined) throw fault;
        return id;
      },
      async markDamaged(id) {
        marked.push(id[0] as number);
        return true;
      },
    },
    store: {
      get: async () => kept.state,
      async put(next) {
        kept.state = next;
      },
    },
    clock,
    log: silentLogger,
    cycleMs: CYCLE_MS,
    bytesPerSecond: shardsPerSecond * SHARD_BYTES,
    onDone: (pass) => done.push(pass),
  });
  return { made, clock, ids, reads, marked, done, bad, kept };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test('everything is read once in a cycle, under the cap, and what is damaged is declared lost', async () => {
  const { made, clock, reads, marked, done, bad } = scrubber(40);
  bad.set(3, new StoreError({ code: 'damaged', id: Uint8Array.of(3) }));
  bad.set(17, 'gone');
  bad.set(20, new StoreError({ code: 'io-error', path: '/' }));
  await made.start();
  await clock.advance(60_000 + 5_000);
  // A burst of half a second, then four shards a second.
  assert.ok(reads.length >= 16 && reads.length <= 28, String(reads.length));
  await clock.advance(10_000);
  assert.deepEqual(reads, range(0, 40));
  assert.deepEqual(marked, [3, 17]);
  assert.equal(done.length, 1);
  assert.partialDeepStrictEqual(done[0], { checkedShards: 40, damagedShards: 2, unreadableShards: 1 });
  await clock.advance(CYCLE_MS - 30_000);
  assert.equal(reads.length, 40);
  await clock.advance(60_000);
  assert.equal(reads.length, 80);
  assert.equal(made.status().nextAt, (done[1]?.startedAt ?? 0) + CYCLE_MS);
  await made.stop();
  assert.equal(clock.sleeping, 0);
});

test('a pass goes on where it was when the node stopped', async () => {
  const { made, clock, reads, kept } = scrubber(40);
  await made.start();
  await clock.advance(60_000 + 5_000);
  await made.stop();
  const seen = reads.length;
  assert.ok(seen > PAGE && seen < 40);
  const again = scrubber(40, { state: kept.state, clock });
  await again.made.start();
  await clock.advance(60_000 + 20_000);
  // From the end of the last whole page.
  const from = again.reads[0] as number;
  assert.ok(from > 0 && from % PAGE === 0 && from <= seen, String(from));
  assert.deepEqual(again.reads, range(from, 40));
  assert.equal(again.done[0]?.checkedShards, 40);
  await again.made.stop();
});

test('one that is asked for runs at once, without a cap, in place of the one under way', async () => {
  const { made, clock, reads, done, ids } = scrubber(200, { shardsPerSecond: 1 });
  await made.start();
  await clock.advance(60_000 + 5_000);
  assert.ok(made.status().pass !== undefined);
  const before = reads.length;
  const told: number[] = [];
  const asked = made.now(new AbortController().signal, ({ checkedShards }) => told.push(checkedShards));
  const pass = await asked;
  assert.equal(pass.checkedShards, ids.length);
  assert.deepEqual(reads.slice(before), range(0, 200));
  assert.equal(told.at(-1), 200);
  // It counts for the cycle.
  assert.deepEqual([done.length, made.status().pass], [1, undefined]);
  await clock.advance(DAY);
  assert.equal(reads.length, before + 200);
  await made.stop();
});

test('one that is given up leaves the cycle as it was; the node may stop under it', async () => {
  const { made, clock, reads, done } = scrubber(100, { shardsPerSecond: 1 });
  await made.start();
  await clock.advance(60_000 + 5_000);
  const gaveUp = new AbortController();
  const asked = made.now(gaveUp.signal, () => gaveUp.abort(new Error('enough')));
  await assert.rejects(asked, /enough/);
  const before = reads.length;
  await clock.advance(20_000);
  assert.ok(reads.length > before);
  assert.equal(done.length, 0);
  const stopping = made.now(new AbortController().signal, () => void made.stop());
  await assert.rejects(stopping, /stopping/);
});

test('a clock that is set back does not put the next pass off for years', async () => {
  const { made, clock, reads, done, kept } = scrubber(1);
  await made.start();
  await clock.advance(120_000);
  clock.skew(-1000 * DAY);
  assert.ok(made.status().nextAt <= clock.now() + CYCLE_MS);
  await clock.advance(DAY);
  assert.equal(reads.length, 1);
  // Remembered over a restart.
  await made.stop();
  const again = scrubber(1, { state: kept.state, clock });
  await again.made.start();
  await clock.advance(CYCLE_MS - DAY + 20 * 60_000);
  assert.deepEqual([again.reads.length, again.done.length], [1, 1]);
  assert.ok((again.done[0]?.startedAt ?? 0) < (done[0]?.startedAt ?? 0));
  await again.made.stop();
});

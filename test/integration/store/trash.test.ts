import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreError } from '../../../node/store/errors.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import {
  assertCountersExact,
  cidOf,
  openTestStores,
  shards,
  stageAll,
  type TestShard,
  uploadId,
} from '../../helpers/store-home.ts';

const DAY = 24 * 60 * 60 * 1000;
const SEGMENT = cidOf('segment');

type Stores = Awaited<ReturnType<typeof openTestStores>>;

/** Stores each shard for an object of its own. */
async function store(stores: Stores, list: readonly TestShard[]): Promise<void> {
  await stageAll(stores, 'alice', list);
  for (const shard of list)
    await stores.shards.reference('alice', rootOf(shard), SEGMENT, [{ index: 0, id: shard.id }]);
}

const rootOf = ({ id }: TestShard) => cidOf(id);

async function present(stores: Stores, list: readonly TestShard[]): Promise<boolean[]> {
  return Promise.all(list.map(async ({ id }) => (await stores.shards.get(id)) !== undefined));
}

test('what is let go stays a week, counts as free, and goes', async (t) => {
  const stores = await openTestStores(t);
  const [shard, other] = shards(2) as [TestShard, TestShard];
  await store(stores, [shard, other]);
  await stores.shards.release(rootOf(shard));
  await stores.clock.advance(3 * DAY);
  await stores.shards.release(rootOf(other));
  const { usedBytes, trashBytes, freeBytes, capacityBytes } = stores.shards.usage();
  assert.deepEqual([usedBytes, trashBytes, freeBytes], [0, 2 * SHARD_BYTES, capacityBytes]);
  assert.deepEqual(await stores.shards.hasMany([shard.id, other.id]), [false, false]);
  await stores.clock.advance(4 * DAY - 1);
  assert.equal(await stores.shards.emptyTrash(), 0);
  await stores.clock.advance(1);
  await stores.close();
  const again = await openTestStores(t, { home: stores.home, clock: stores.clock, create: false });
  assert.equal(await again.shards.emptyTrash(), SHARD_BYTES);
  assert.deepEqual(await present(again, [shard, other]), [false, true]);
  await assertCountersExact(again);
});

test('a clock that jumps neither empties the trash at once nor keeps it for ever', async (t) => {
  const stores = await openTestStores(t);
  const { clock } = stores;
  const [before, after] = shards(2) as [TestShard, TestShard];
  await store(stores, [before, after]);
  await stores.shards.release(rootOf(before));
  // Ahead by a year: everything looks old.
  clock.skew(365 * DAY);
  assert.equal(await stores.shards.emptyTrash(), 0);
  await stores.shards.release(rootOf(after));
  // Set right again: what came meanwhile seems to be of the future.
  clock.skew(-365 * DAY);
  await clock.advance(7 * DAY - 1);
  assert.equal(await stores.shards.emptyTrash(), 0);
  await clock.advance(1);
  assert.equal(await stores.shards.emptyTrash(), 2 * SHARD_BYTES);
  await assertCountersExact(stores);
});

test('a clock that is wrong when the node starts changes nothing, and time that the node runs is not lost', async (t) => {
  const first = await openTestStores(t);
  const { clock, home } = first;
  const [shard] = shards(1) as [TestShard];
  await store(first, [shard]);
  await first.shards.release(rootOf(shard));
  await clock.advance(3 * DAY);
  assert.equal(await first.shards.emptyTrash(), 0);
  await first.close();
  // It starts in 1970, then it is ahead by ten years.
  clock.skew(-clock.now());
  const second = await openTestStores(t, { home, clock, create: false });
  await clock.advance(3 * DAY);
  assert.equal(await second.shards.emptyTrash(), 0);
  await second.close();
  clock.skew(65 * 365 * DAY);
  const third = await openTestStores(t, { home, clock, create: false });
  assert.equal(await third.shards.emptyTrash(), 0);
  await clock.advance(DAY);
  assert.equal(await third.shards.emptyTrash(), SHARD_BYTES);
  await assertCountersExact(third);
});

test('a shard that is staged again is taken back from the trash without being sent', async (t) => {
  const stores = await openTestStores(t);
  const [shard, plain] = shards(2) as [TestShard, TestShard];
  await store(stores, [shard, plain]);
  await stores.shards.release(rootOf(shard));
  await stores.shards.release(rootOf(plain));
  const ticket = await stores.shards.stage('bob', uploadId(2), [shard.id]);
  assert.deepEqual(ticket.wanted, [false]);
  await ticket.commit();
  // Nothing need be staged at all where the bytes are here.
  await stores.shards.reference('bob', rootOf(plain), SEGMENT, [{ index: 0, id: plain.id }]);
  assert.deepEqual(await stores.shards.hasMany([shard.id, plain.id]), [true, true]);
  assert.equal(stores.shards.usage().trashBytes, 0);
  await assertCountersExact(stores);
  await stores.clock.advance(8 * DAY);
  assert.equal(await stores.shards.emptyTrash(), 0);
  assert.deepEqual(await present(stores, [shard, plain]), [true, true]);
});

test('the trash makes room, oldest first, and never what the same call takes back', async (t) => {
  const stores = await openTestStores(t, { capacityBytes: 4 * SHARD_BYTES });
  const [a, b, c, d, e, f] = shards(6) as [TestShard, TestShard, TestShard, TestShard, TestShard, TestShard];
  await store(stores, [a, b, c, d]);
  for (const shard of [b, a, c]) {
    await stores.shards.release(rootOf(shard));
    await stores.clock.advance(1);
  }
  await stageAll(stores, 'bob', [b, e], uploadId(2));
  assert.deepEqual(await present(stores, [a, b, c, d, e]), [false, true, true, true, true]);
  await assertCountersExact(stores);
  // c is in the trash still: there is room for one more shard, not for two.
  await assert.rejects(stores.shards.stage('bob', uploadId(2), [a.id, f.id]), { code: 'no-space' });
  assert.deepEqual(await present(stores, [b, c, d, e]), [true, true, true, true]);
  await stageAll(stores, 'bob', [f], uploadId(2));
  assert.deepEqual(await present(stores, [b, c, d, e, f]), [true, false, true, true, true]);
  assert.equal(stores.shards.usage().freeBytes, 0);
  await assertCountersExact(stores);
});

test('a full disk is given the trash before anybody is refused', async (t) => {
  const stores = await openTestStores(t);
  const [a, b, c] = shards(3) as [TestShard, TestShard, TestShard];
  await store(stores, [a, b]);
  await stores.shards.release(rootOf(a));
  let full = true;
  Object.assign(stores.disk, {
    async admit() {
      if (full) throw new StoreError({ code: 'disk-full', path: '/' });
    },
  });
  await assert.rejects(stores.shards.stage('bob', uploadId(2), [c.id]), { code: 'disk-full' });
  assert.deepEqual([await present(stores, [a, b]), stores.shards.usage().trashBytes], [[false, true], 0]);
  await stores.shards.release(rootOf(b));
  Object.assign(stores.disk, {
    async admit() {
      if (!full) return;
      full = false;
      throw new StoreError({ code: 'disk-full', path: '/' });
    },
  });
  await stageAll(stores, 'bob', [c], uploadId(2));
  assert.deepEqual(await present(stores, [b, c]), [false, true]);
  await assertCountersExact(stores);
});

test('a shard that comes into the trash under an open stage call is taken back by it', async (t) => {
  const stores = await openTestStores(t);
  const [shard] = shards(1) as [TestShard];
  const open = await stores.shards.stage('bob', uploadId(2), [shard.id]);
  await store(stores, [shard]);
  await stores.shards.release(rootOf(shard));
  assert.equal(stores.shards.usage().trashBytes, SHARD_BYTES);
  await open.put(shard.id, shard.bytes);
  await open.commit();
  assert.equal(stores.shards.usage().trashBytes, 0);
  await stores.clock.advance(30 * DAY);
  await stores.shards.emptyTrash();
  assert.deepEqual(await present(stores, [shard]), [true]);
  await assertCountersExact(stores);
});

test('a damaged record of the trash is no reason to keep or to lose anything', async (t) => {
  const stores = await openTestStores(t);
  const [gone, back] = shards(2) as [TestShard, TestShard];
  await store(stores, [gone, back]);
  for (const shard of [gone, back]) await stores.shards.release(rootOf(shard));
  const { entries } = await stores.databases.shards.page({ gte: Uint8Array.of(10), lt: Uint8Array.of(11) });
  await stores.databases.shards.write(entries.map(([key]) => ({ type: 'put', key, value: Uint8Array.of(1) })));
  await stageAll(stores, 'bob', [back], uploadId(2));
  await stores.clock.advance(8 * DAY);
  assert.equal(await stores.shards.emptyTrash(), SHARD_BYTES);
  assert.deepEqual(await present(stores, [gone, back]), [false, true]);
  const left = await stores.databases.shards.page({ gte: Uint8Array.of(10), lt: Uint8Array.of(12) });
  assert.deepEqual(left.entries, []);
  await assertCountersExact(stores);
});

test('with no time for the trash, bytes go at once', async (t) => {
  const stores = await openTestStores(t, { trashTimeMs: 0 });
  const [shard] = shards(1) as [TestShard];
  await store(stores, [shard]);
  await stores.shards.release(rootOf(shard));
  assert.equal(await stores.shards.get(shard.id), undefined);
  assert.equal(stores.shards.usage().trashBytes, 0);
  await assertCountersExact(stores);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DishonestShardReader, damageShard, flipBit } from '../../../node/store/lab-faults.ts';
import { bytesKey } from '../../../node/store/shard-keys.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import {
  assertCountersExact,
  cidOf,
  openTestStores,
  shardOf,
  shards,
  stageAll,
  uploadId,
} from '../../helpers/store-home.ts';

const ROOT = cidOf('root');
const SEGMENT = cidOf('segment');
const entries = (list: readonly { id: Uint8Array }[], from = 0) => list.map(({ id }, i) => ({ index: from + i, id }));

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(items);
}

test('shards come back as they were staged, also after the home is opened again', async (t) => {
  const stores = await openTestStores(t);
  const list = shards(9);
  await stageAll(stores, 'alice', list);
  await stores.close();
  const again = await openTestStores(t, { home: stores.home, create: false });
  for (const { id, bytes } of list) assert.deepEqual(new Uint8Array((await again.shards.get(id)) ?? []), bytes);
  assert.equal(await again.shards.get(shardOf(99).id), undefined);
  assert.equal(again.shards.usage().usedBytes, 9 * SHARD_BYTES);
  assert.equal(again.shards.usage().byOwner('alice').stagedBytes, 9 * SHARD_BYTES);
  const sorted = list.map(({ id }) => Buffer.from(id)).sort(Buffer.compare);
  assert.deepEqual(
    (await collect(again.shards.ids())).map((id) => Buffer.from(id)),
    sorted,
  );
});

test('a shard that does not hash to its id, is too short or was not announced is refused', async (t) => {
  const { shards: store } = await openTestStores(t);
  const [a, b] = shards(2);
  const ticket = await store.stage('alice', uploadId(1), [a!.id]);
  await assert.rejects(ticket.put(a!.id, b!.bytes), { code: 'hash-mismatch' });
  await assert.rejects(ticket.put(a!.id, a!.bytes.subarray(1)), { code: 'wrong-size' });
  await assert.rejects(ticket.put(b!.id, b!.bytes), { code: 'unexpected-shard' });
  await assert.rejects(ticket.commit(), { code: 'not-held' });
  assert.equal(await store.has(a!.id), false);
  assert.equal(store.usage().usedBytes, 0);
});

test('a repeated stage wants nothing twice and charges nothing twice', async (t) => {
  const stores = await openTestStores(t);
  const list = shards(4);
  await stageAll(stores, 'alice', list.slice(0, 3));
  const ids = [...list, list[3]!].map(({ id }) => id);
  const ticket = await stores.shards.stage('alice', uploadId(1), ids);
  assert.deepEqual(ticket.wanted, [false, false, false, true, false]);
  await ticket.put(list[3]!.id, list[3]!.bytes);
  await ticket.put(list[3]!.id, list[3]!.bytes);
  await ticket.commit();
  assert.equal(stores.shards.usage().byOwner('alice').stagedBytes, 4 * SHARD_BYTES);
  assert.equal(stores.shards.usage().reservedBytes, 0);
  await assertCountersExact(stores);
});

test('two uploads of one shard at once store it once and charge both owners', async (t) => {
  const stores = await openTestStores(t);
  const [shard] = shards(1);
  const { id, bytes } = shard!;
  const tickets = await Promise.all(
    ['alice', 'bob', 'bob'].map((owner, i) => stores.shards.stage(owner, uploadId(i), [id])),
  );
  await Promise.all(tickets.map((ticket) => ticket.put(id, bytes)));
  await Promise.all(tickets.map((ticket) => ticket.commit()));
  const usage = stores.shards.usage();
  assert.equal(usage.usedBytes, SHARD_BYTES);
  assert.equal(usage.byOwner('alice').stagedBytes, SHARD_BYTES);
  assert.equal(usage.byOwner('bob').stagedBytes, SHARD_BYTES);
  await assertCountersExact(stores);
});

test('a claim is charged once when another call of its owner made it first', async (t) => {
  const stores = await openTestStores(t);
  const [shard] = shards(1);
  const { id, bytes } = shard!;
  const early = await stores.shards.stage('alice', uploadId(1), [id]);
  await stageAll(stores, 'bob', [shard!], uploadId(2));
  const late = await stores.shards.stage('alice', uploadId(3), [id]);
  assert.deepEqual(late.wanted, [false]);
  await early.put(id, bytes);
  await Promise.all([early.commit(), late.commit()]);
  assert.equal(stores.shards.usage().byOwner('alice').stagedBytes, SHARD_BYTES);
  await assertCountersExact(stores);
});

test('space is reserved when staging, given back when aborted, and refused when it is not there', async (t) => {
  const stores = await openTestStores(t, { capacityBytes: 4 * SHARD_BYTES });
  const list = shards(5);
  const ids = list.map(({ id }) => id);
  const ticket = await stores.shards.stage('alice', uploadId(1), ids.slice(0, 3));
  assert.equal(stores.shards.usage().freeBytes, SHARD_BYTES);
  const refusal = {
    code: 'no-space',
    type: { code: 'no-space', neededBytes: 2 * SHARD_BYTES, freeBytes: SHARD_BYTES },
  };
  await assert.rejects(stores.shards.stage('bob', uploadId(2), ids.slice(3)), refusal);
  await ticket.put(list[0]!.id, list[0]!.bytes);
  ticket.abort();
  await assert.rejects(ticket.put(list[1]!.id, list[1]!.bytes), { code: 'closed' });
  await stageAll(stores, 'bob', list.slice(3), uploadId(2));
  // What was put before the abort stays staged, so that a resumed upload need not send it again.
  const resumed = await stores.shards.stage('alice', uploadId(1), ids.slice(0, 2));
  assert.deepEqual(resumed.wanted, [false, true]);
  await assert.rejects(stores.shards.stage('alice', uploadId(1), ids.slice(2, 3)), { code: 'no-space' });
  resumed.abort();
  await assertCountersExact(stores);
});

test('quotas count what a peer staged, reserved and stored', async (t) => {
  const quota = { stagedBytesPerPeer: 3 * SHARD_BYTES, storedBytesPerPeer: 5 * SHARD_BYTES };
  const stores = await openTestStores(t, { quota });
  const list = shards(8);
  const ids = list.map(({ id }) => id);
  await stageAll(stores, 'alice', list.slice(0, 2));
  const open = await stores.shards.stage('alice', uploadId(1), ids.slice(2, 3));
  await assert.rejects(stores.shards.stage('alice', uploadId(1), ids.slice(3, 4)), { code: 'quota-exceeded' });
  open.abort();
  await stores.shards.reference('alice', ROOT, SEGMENT, entries(list.slice(0, 2)));
  await stageAll(stores, 'alice', list.slice(2, 5));
  await assert.rejects(stores.shards.stage('alice', uploadId(1), ids.slice(5, 6)), (error: { type?: object }) => {
    assert.partialDeepStrictEqual(error.type, { code: 'quota-exceeded', owner: 'alice' });
    return true;
  });
  await stageAll(stores, 'bob', list.slice(5));
  const tooMany = [...entries(list.slice(2, 5), 2), ...entries(list.slice(5, 6), 5)];
  await assert.rejects(stores.shards.reference('alice', ROOT, SEGMENT, tooMany), { code: 'quota-exceeded' });
  await assertCountersExact(stores);
});

test('referencing moves staged to stored, names what is missing, and may be repeated', async (t) => {
  const stores = await openTestStores(t);
  const list = shards(3);
  await stageAll(stores, 'alice', list.slice(0, 2));
  await assert.rejects(stores.shards.reference('alice', ROOT, SEGMENT, entries(list)), (error: { type?: object }) => {
    assert.deepEqual(error.type, { code: 'not-held', missing: [{ index: 2, id: list[2]!.id }] });
    return true;
  });
  for (let i = 0; i < 2; i++) await stores.shards.reference('alice', ROOT, SEGMENT, entries(list.slice(0, 2)));
  const { stagedBytes, storedBytes } = stores.shards.usage().byOwner('alice');
  assert.deepEqual({ stagedBytes, storedBytes }, { stagedBytes: 0, storedBytes: 2 * SHARD_BYTES });
  const references = await collect(stores.shards.referencesOf(ROOT));
  assert.deepEqual(
    references.map(({ index, owner }) => ({ index, owner })),
    [0, 1].map((index) => ({ index, owner: 'alice' })),
  );
  assert.deepEqual(
    [...(await stores.shards.idsOf(SEGMENT))],
    list.slice(0, 2).map(({ id }, i) => [i, id]),
  );
  await assertCountersExact(stores);
});

test('an entry that is given twice is one reference', async (t) => {
  const stores = await openTestStores(t);
  const [shard] = shards(1);
  await stageAll(stores, 'alice', [shard!]);
  await stores.shards.reference('alice', ROOT, SEGMENT, [...entries([shard!]), ...entries([shard!])]);
  assert.equal(stores.shards.usage().byOwner('alice').storedBytes, SHARD_BYTES);
  await assertCountersExact(stores);
});

test('bytes go with their last reference; release may be repeated', async (t) => {
  const stores = await openTestStores(t, { capacityBytes: 1000 * SHARD_BYTES });
  const [shared, own] = shards(2);
  await stageAll(stores, 'alice', [shared!, own!]);
  await stores.shards.reference('alice', ROOT, SEGMENT, entries([shared!, own!, shared!]));
  await stageAll(stores, 'bob', [shared!], uploadId(2));
  const other = cidOf('other');
  await stores.shards.reference('bob', other, SEGMENT, entries([shared!]));
  assert.equal((await collect(stores.shards.referencesIn(SEGMENT))).length, 4);

  assert.deepEqual(await stores.shards.release(ROOT), { freedBytes: SHARD_BYTES });
  assert.equal(await stores.shards.has(own!.id), false);
  assert.equal(await stores.shards.has(shared!.id), true);
  assert.deepEqual(await stores.shards.release(ROOT), { freedBytes: 0 });
  assert.equal((await collect(stores.shards.referencesIn(SEGMENT))).length, 1);
  await assertCountersExact(stores);
  assert.deepEqual(await stores.shards.release(other), { freedBytes: SHARD_BYTES });
  assert.equal(stores.shards.usage().usedBytes, 0);
  await assertCountersExact(stores);
});

test('a release longer than one batch leaves nothing behind', async (t) => {
  const stores = await openTestStores(t);
  const [shard] = shards(1);
  await stageAll(stores, 'alice', [shard!]);
  const many = Array.from({ length: 100 }, (_, index) => ({ index, id: shard!.id }));
  // One object of 600 references to one shard: quota counts each.
  const quota = { stagedBytesPerPeer: SHARD_BYTES, storedBytesPerPeer: 600 * SHARD_BYTES };
  await stores.close();
  const roomy = await openTestStores(t, { home: stores.home, quota, trashTimeMs: 0 });
  const segments = [1, 2, 3, 4, 5, 6].map((n) => cidOf(`segment ${n}`));
  for (const segment of segments) await roomy.shards.reference('alice', ROOT, segment, many);
  assert.equal(roomy.shards.usage().byOwner('alice').storedBytes, 600 * SHARD_BYTES);
  assert.deepEqual(await roomy.shards.release(ROOT), { freedBytes: SHARD_BYTES });
  assert.equal((await collect(roomy.shards.referencesOf(ROOT))).length, 0);
  const keys = await roomy.databases.shards.page({ gte: Uint8Array.of(1), lt: Uint8Array.of(7) });
  assert.deepEqual(keys.entries, []);
  await assertCountersExact(roomy);
});

test('a flipped bit is noticed at the next read, declared, and healed by staging the shard again', async (t) => {
  const stores = await openTestStores(t);
  const [shard, whole] = shards(2);
  const { id } = shard!;
  await stageAll(stores, 'alice', [shard!, whole!]);
  await stores.shards.reference('alice', ROOT, SEGMENT, entries([shard!, whole!]));
  await damageShard(stores, id);
  await assert.rejects(stores.shards.get(id), (error: { type?: object }) => {
    assert.deepEqual(error.type, { code: 'damaged', id });
    return true;
  });
  assert.equal(await stores.shards.markDamaged(whole!.id), false);
  assert.equal(await stores.shards.markDamaged(id), true);
  assert.equal(await stores.shards.get(id), undefined);
  assert.deepEqual(await collect(stores.shards.damaged()), [id]);
  assert.equal((await collect(stores.shards.referencesOf(ROOT))).length, 2);
  assert.equal(stores.shards.usage().usedBytes, SHARD_BYTES);
  await assertCountersExact(stores);

  await stageAll(stores, 'bob', [shard!]);
  assert.ok(await stores.shards.get(id));
  assert.deepEqual(await collect(stores.shards.damaged()), []);
  await assertCountersExact(stores);
});

test('a loss that is noted while the shard is on its way is healed when it comes', async (t) => {
  const stores = await openTestStores(t);
  const [shard] = shards(1);
  const { id, bytes } = shard!;
  await stageAll(stores, 'alice', [shard!]);
  await stores.shards.reference('alice', ROOT, SEGMENT, entries([shard!]));
  // As after a repair of the database that lost the bytes: nobody has noticed yet.
  await stores.databases.shards.write([{ type: 'del', key: bytesKey(id) }]);
  const ticket = await stores.shards.stage('bob', uploadId(2), [id]);
  assert.deepEqual(ticket.wanted, [true]);
  assert.equal(await stores.shards.markDamaged(id), true);
  await ticket.put(id, bytes);
  await ticket.commit();
  assert.deepEqual(await collect(stores.shards.damaged()), []);
  await assertCountersExact(stores);
});

test('a loss that was noted before the home was opened again is healed by staging, too', async (t) => {
  const stores = await openTestStores(t);
  const [shard] = shards(1);
  await stageAll(stores, 'alice', [shard!]);
  await stores.shards.reference('alice', ROOT, SEGMENT, entries([shard!]));
  await damageShard(stores, shard!.id);
  assert.equal(await stores.shards.markDamaged(shard!.id), true);
  await stores.close();
  const again = await openTestStores(t, { home: stores.home, create: false });
  await stageAll(again, 'bob', [shard!]);
  assert.deepEqual(await collect(again.shards.damaged()), []);
  await assertCountersExact(again);
});

test('a dishonest reader alters what it was told to, and only that', async (t) => {
  const stores = await openTestStores(t);
  const [a, b] = shards(2);
  await stageAll(stores, 'alice', [a!, b!]);
  const liar = new DishonestShardReader(stores.shards, (id) => Buffer.compare(id, a!.id) === 0);
  assert.deepEqual(await liar.get(a!.id), flipBit(a!.bytes, 8));
  assert.deepEqual(new Uint8Array((await liar.get(b!.id)) ?? []), b!.bytes);
});

test('orphans are collected; whatever is claimed or referenced stays', async (t) => {
  const stores = await openTestStores(t);
  const [orphan, staged, stored] = shards(3);
  await stageAll(stores, 'alice', [orphan!, staged!, stored!]);
  await stores.shards.reference('alice', ROOT, SEGMENT, entries([stored!]));
  // What a repaired database can look like: the claim is gone, the bytes are not.
  const claims = await stores.databases.shards.page({ gte: Uint8Array.of(6), lt: Uint8Array.of(7) });
  const lost = claims.entries.filter(([key]) => Buffer.compare(key.subarray(1, 33), orphan!.id) === 0);
  assert.equal(lost.length, 1);
  await stores.databases.shards.write(lost.map(([key]) => ({ type: 'del', key })));
  assert.equal(await stores.shards.collectOrphans(), SHARD_BYTES);
  assert.equal(await stores.shards.has(orphan!.id), false);
  assert.ok((await stores.shards.has(staged!.id)) && (await stores.shards.has(stored!.id)));
  await stores.shards.recount();
  await assertCountersExact(stores);
});

test('damaged counters are counted again when the home is opened', async (t) => {
  const stores = await openTestStores(t);
  await stageAll(stores, 'alice', shards(3));
  const { entries: counters } = await stores.databases.shards.page({ gte: Uint8Array.of(9), lt: Uint8Array.of(10) });
  assert.equal(counters.length, 2);
  await stores.databases.shards.write(counters.map(([key, value]) => ({ type: 'put', key, value: flipBit(value, 0) })));
  await stores.close();
  for (let i = 0; i < 2; i++) {
    const again = await openTestStores(t, { home: stores.home });
    assert.equal(again.shards.usage().byOwner('alice').stagedBytes, 3 * SHARD_BYTES);
    await assertCountersExact(again);
    await again.close();
  }
});

test('a closed store says so', async (t) => {
  const stores = await openTestStores(t);
  await stores.close();
  await stores.close();
  await assert.rejects(stores.shards.get(shardOf(1).id), { code: 'closed' });
  await assert.rejects(stores.shards.stage('alice', uploadId(1), [shardOf(1).id]), { code: 'closed' });
});

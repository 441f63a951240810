import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHARD_NAMESPACES } from '../../../node/store/shard-keys.ts';
import type { Stores } from '../../../node/store/stores.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import {
  assertCountersExact,
  openTestStores,
  shards,
  stageAll,
  type TestShard,
  uploadId,
} from '../../helpers/store-home.ts';

const HOUR = 60 * 60_000;
/** As `upload-ledger.ts` has it for small quotas. */
const MOST_UPLOADS = 1024;

const numbered = (n: number): Uint8Array => {
  const id = uploadId(0);
  new DataView(id.buffer).setUint32(0, n);
  return id;
};

async function records({ databases }: Stores): Promise<number> {
  let count = 0;
  const [gte, lt] = [Uint8Array.of(SHARD_NAMESPACES.upload), Uint8Array.of(SHARD_NAMESPACES.upload + 1)];
  for await (const _ of databases.shards.entries({ gte, lt })) count++;
  return count;
}

test('an owner is remembered for a bounded number of uploads, also after a restart', async (t) => {
  const stores = await openTestStores(t);
  const { clock, home } = stores;
  const [shard] = shards(1) as [TestShard];
  await stageAll(stores, 'alice', [shard]);
  const empty = (owner: string, n: number) => stores.shards.stage(owner, numbered(n), [shard.id]);
  for (let n = 1; n < MOST_UPLOADS; n++) (await empty('alice', n)).abort();
  assert.equal(await records(stores), MOST_UPLOADS);
  await assert.rejects(empty('alice', MOST_UPLOADS), { code: 'quota-exceeded' });
  // Not for what is known already, nor for others.
  (await empty('alice', 1)).abort();
  (await empty('bob', 1)).abort();
  assert.equal(await records(stores), MOST_UPLOADS + 1);
  await stores.close();

  const again = await openTestStores(t, { home, clock });
  await assert.rejects(again.shards.stage('alice', numbered(MOST_UPLOADS), [shard.id]), { code: 'quota-exceeded' });
  await clock.advance(HOUR);
  await again.shards.sweepStaged();
  assert.equal(await records(again), 0);
  (await again.shards.stage('alice', numbered(MOST_UPLOADS), [shard.id])).abort();
  await assertCountersExact(again);
});

test('the record of an upload with an open call outlives its hour', async (t) => {
  const stores = await openTestStores(t);
  const [shard] = shards(1) as [TestShard];
  const ticket = await stores.shards.stage('alice', uploadId(1), [shard.id]);
  await stores.clock.advance(HOUR);
  await stores.shards.sweepStaged();
  assert.equal(await records(stores), 1);
  await ticket.put(shard.id, shard.bytes);
  await ticket.commit();
  await stores.clock.advance(HOUR);
  assert.deepEqual(await stores.shards.sweepStaged(), { claims: 1, freedBytes: SHARD_BYTES });
  assert.equal(await records(stores), 0);
});

test('what other calls store, end or lose while one looks is seen at its turn', async (t) => {
  const stores = await openTestStores(t);
  const { shards: store, clock } = stores;
  const [stored, leaving, lost] = shards(3) as [TestShard, TestShard, TestShard];
  await stageAll(stores, 'alice', [leaving], uploadId(2));
  await clock.advance(HOUR);
  await stageAll(stores, 'alice', [lost], uploadId(3));
  const ticket = await store.stage('alice', uploadId(3), [stored.id]);
  const put = ticket.put(stored.id, stored.bytes);
  const [, mine] = await Promise.all([
    store.sweepStaged(),
    store.stage('bob', uploadId(1), [stored.id, leaving.id]),
    put,
    ticket.commit(),
  ]);
  for (const [i, { id, bytes }] of [stored, leaving].entries()) if (mine.wanted[i]) await mine.put(id, bytes);
  await mine.commit();
  assert.deepEqual(await store.get(stored.id), stored.bytes);
  assert.deepEqual(await store.get(leaving.id), leaving.bytes);
  assert.equal(store.usage().byOwner('bob').stagedBytes, 2 * SHARD_BYTES);
  await assertCountersExact(stores);
});

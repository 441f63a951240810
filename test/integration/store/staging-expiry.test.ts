import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreMaintenance } from '../../../node/store/maintenance.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { assertCountersExact, cidOf, openTestStores, shards, stageAll, uploadId } from '../../helpers/store-home.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test('staging ends an hour after the last traffic of its upload, not before', async (t) => {
  const stores = await openTestStores(t);
  const { clock } = stores;
  const [first, second, other] = shards(3);
  await stageAll(stores, 'alice', [first!], uploadId(1));
  await stageAll(stores, 'alice', [other!], uploadId(2));
  await clock.advance(40 * MINUTE);
  // Traffic of upload 1 keeps its earlier shard too.
  await stageAll(stores, 'alice', [second!], uploadId(1));
  await clock.advance(40 * MINUTE);
  assert.deepEqual(await stores.shards.sweepStaged(), { claims: 1, freedBytes: SHARD_BYTES });
  assert.deepEqual(await Promise.all([first!, second!, other!].map(({ id }) => stores.shards.has(id))), [
    true,
    true,
    false,
  ]);
  await clock.advance(20 * MINUTE - 1);
  assert.equal((await stores.shards.sweepStaged()).claims, 0);
  await clock.advance(1);
  assert.equal((await stores.shards.sweepStaged()).claims, 2);
  assert.equal(stores.shards.usage().usedBytes, 0);
  await assertCountersExact(stores);
  // Nothing of the uploads is left, neither claims nor traffic records; after a week not even bytes.
  assert.equal(stores.shards.usage().trashBytes, 3 * SHARD_BYTES);
  await clock.advance(7 * 24 * HOUR);
  assert.equal(await stores.shards.emptyTrash(), 3 * SHARD_BYTES);
  await assertCountersExact(stores);
  const { entries } = await stores.databases.shards.page({ gte: Uint8Array.of(1), lt: Uint8Array.of(9) });
  assert.deepEqual(entries, []);
});

test('an upload that never rests loses its shards after seven days', async (t) => {
  const stores = await openTestStores(t);
  const [shard] = shards(1);
  for (let hours = 0; hours < 7 * 24; hours += 0.9) {
    await stageAll(stores, 'alice', [shard!]);
    assert.equal((await stores.shards.sweepStaged()).claims, 0);
    await stores.clock.advance(0.9 * HOUR);
  }
  assert.equal((await stores.shards.sweepStaged()).claims, 1);
  assert.equal(await stores.shards.has(shard!.id), false);
});

test('what was referenced or claimed by another stays when a claim ends', async (t) => {
  const stores = await openTestStores(t);
  const [stored, shared] = shards(2);
  await stageAll(stores, 'alice', [stored!, shared!]);
  await stores.shards.reference('alice', cidOf('root'), cidOf('segment'), [{ index: 0, id: stored!.id }]);
  await stores.clock.advance(30 * MINUTE);
  await stageAll(stores, 'bob', [shared!]);
  await stores.clock.advance(31 * MINUTE);
  assert.deepEqual(await stores.shards.sweepStaged(), { claims: 1, freedBytes: 0 });
  assert.ok((await stores.shards.has(stored!.id)) && (await stores.shards.has(shared!.id)));
  await assertCountersExact(stores);
});

test('a shard swept under an open stage call is written again', async (t) => {
  const stores = await openTestStores(t);
  const [shard] = shards(1);
  const { id, bytes } = shard!;
  const [alice, bob] = await Promise.all(
    ['alice', 'bob'].map((owner) => stores.shards.stage(owner, uploadId(1), [id])),
  );
  await alice!.put(id, bytes);
  await alice!.commit();
  await stores.clock.advance(HOUR);
  assert.deepEqual(await stores.shards.sweepStaged(), { claims: 1, freedBytes: SHARD_BYTES });
  await bob!.put(id, bytes);
  await bob!.commit();
  assert.deepEqual(await stores.shards.get(id), bytes);
  await assertCountersExact(stores);
});

test('maintenance sweeps every ten minutes until it is stopped, and survives a failure', async (t) => {
  const stores = await openTestStores(t);
  const { clock } = stores;
  const errors: unknown[] = [];
  const swept: number[] = [];
  const emptied: number[] = [];
  let collected = 0;
  const maintenance = new StoreMaintenance({
    clock,
    manifests: {
      collectUnused: async () => {
        collected += 1;
        return 0;
      },
    },
    databases: [stores.databases.shards],
    shards: {
      collectOrphans: () => Promise.reject(new Error('first')),
      emptyTrash: async () => {
        emptied.push(clock.now());
        return 0;
      },
      sweepStaged: async (now) => {
        swept.push(now as number);
        return { claims: 0, freedBytes: 0 };
      },
    },
    onError: (error) => errors.push(error),
  });
  const start = clock.now();
  maintenance.start();
  await clock.advance(25 * MINUTE);
  assert.deepEqual(
    swept,
    [0, 10, 20].map((minutes) => start + minutes * MINUTE),
  );
  assert.deepEqual(emptied, swept);
  assert.deepEqual(errors, [new Error('first')]);
  assert.equal(collected, 1);
  await clock.advance(24 * HOUR);
  assert.deepEqual([errors.length, collected], [2, 2]);
  await maintenance.stop();
  const count = swept.length;
  await clock.advance(HOUR);
  assert.equal(swept.length, count);
  assert.equal(clock.sleeping, 0);
});

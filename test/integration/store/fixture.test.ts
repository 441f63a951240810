import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { SCHEMA_VERSION } from '../../../node/store/schema.ts';
import type { Stores } from '../../../node/store/stores.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { homeOfFixture, writeFixture } from '../../helpers/store-fixture.ts';
import {
  assertCountersExact,
  cidOf,
  openTestStores,
  shardOf,
  stageAll,
  temporaryFolder,
  uploadId,
} from '../../helpers/store-home.ts';

const [ROOT, SEGMENT] = [cidOf('root'), cidOf('segment')];
const STORED = shardOf(1);
const STAGED = shardOf(2);
const ENTRY = {
  root: ROOT,
  name: 'α',
  kind: 'file',
  size: 5,
  created: 7,
  key: new Uint8Array(32),
  code: { id: 1, k: 2, m: 1 },
} as const;

async function populate(stores: Stores): Promise<void> {
  await stageAll(stores, 'alice', [STORED, STAGED]);
  await stores.shards.reference('alice', ROOT, SEGMENT, [{ index: 3, id: STORED.id }]);
  await stores.manifests.putRoot(ROOT, new TextEncoder().encode('root'));
  await stores.manifests.putSegment(ROOT, SEGMENT, new TextEncoder().encode('segment'));
  await stores.catalog.put(ENTRY);
  await stores.journal.put(uploadId(4), 'head', Uint8Array.of(1, 2));
  await stores.peers.put({ peer: 'bob', addresses: ['/ip4/127.0.1.1/tcp/4001'], seen: 9 });
}

async function check(stores: Stores): Promise<void> {
  assert.deepEqual(await stores.shards.get(STORED.id), STORED.bytes);
  assert.deepEqual([...(await stores.shards.idsOf(SEGMENT))], [[3, STORED.id]]);
  const { stagedBytes, storedBytes } = stores.shards.usage().byOwner('alice');
  assert.deepEqual({ stagedBytes, storedBytes }, { stagedBytes: SHARD_BYTES, storedBytes: SHARD_BYTES });
  assert.equal(new TextDecoder().decode(await stores.manifests.get(SEGMENT)), 'segment');
  assert.deepEqual(await stores.catalog.get(ENTRY.root), ENTRY);
  assert.deepEqual(await stores.journal.get(uploadId(4), 'head'), Uint8Array.of(1, 2));
  assert.equal((await stores.peers.get('bob'))?.seen, 9);
  await assertCountersExact(stores);
}

for (let schema = 1; schema <= SCHEMA_VERSION; schema++) {
  test(`a home of schema ${schema} opens with all that was in it`, async (t) => {
    const home = await temporaryFolder(t);
    await homeOfFixture(home, schema);
    const stores = await openTestStores(t, { home, create: false });
    await check(stores);
    // Staging times were written too: the hour counts from then.
    await stores.clock.advance(60 * 60 * 1000);
    assert.equal((await stores.shards.sweepStaged()).claims, 1);
  });
}

test('this version reads what it writes', async (t) => {
  const stores = await openTestStores(t);
  await populate(stores);
  await check(stores);
  // A new version is added with its fixture: HOLDFAST_WRITE_FIXTURE=1 writes it, once.
  if (process.env.HOLDFAST_WRITE_FIXTURE === '1') await writeFixture(stores, SCHEMA_VERSION, [1, 2]);
  assert.ok(existsSync(new URL(`fixtures/schema-${SCHEMA_VERSION}.json`, import.meta.url)));
});

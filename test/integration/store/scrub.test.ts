import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../node/log.ts';
import { Scrubber } from '../../../node/scrub/scrubber.ts';
import { damageShard } from '../../../node/store/lab-faults.ts';
import { bytesKey, presentKey } from '../../../node/store/shard-keys.ts';
import { assertCountersExact, cidOf, openTestStores, shards, stageAll } from '../../helpers/store-home.ts';

const SEGMENT = cidOf('segment');

type Stores = Awaited<ReturnType<typeof openTestStores>>;

const scrubberOf = ({ shards: store, scrub, clock }: Stores) =>
  new Scrubber({
    shards: store,
    store: scrub,
    clock,
    log: silentLogger,
    cycleMs: 1_000_000,
    bytesPerSecond: Number.POSITIVE_INFINITY,
    onDone: () => undefined,
  });

const { signal } = new AbortController();

test('all that is stored is read; what is damaged or gone is declared lost, once; the trash is left alone', async (t) => {
  const stores = await openTestStores(t, { capacityBytes: 2 ** 30 });
  const list = shards(12);
  const [whole, flipped, gone, vanished, staged, trashed] = list;
  await stageAll(stores, 'alice', list);
  const entries = list.map(({ id }, index) => ({ index, id }));
  await stores.shards.reference(
    'alice',
    cidOf('a'),
    SEGMENT,
    entries.filter(({ index }) => index !== 4 && index !== 5),
  );
  await stores.shards.reference('alice', cidOf('b'), SEGMENT, entries.slice(0, 2));
  await stores.shards.reference('alice', cidOf('c'), SEGMENT, entries.slice(5, 6));
  await stores.shards.release(cidOf('c'));
  for (const shard of [flipped, staged, trashed]) await damageShard(stores, shard!.id);
  await stores.databases.shards.write([
    { type: 'del', key: bytesKey(gone!.id) },
    // As a repair of the database leaves it that lost a table.
    { type: 'del', key: bytesKey(vanished!.id) },
    { type: 'del', key: presentKey(vanished!.id) },
  ]);
  const pass = await scrubberOf(stores).now(signal);
  assert.partialDeepStrictEqual(pass, { checkedShards: 11, damagedShards: 4, unreadableShards: 0 });
  const lost = (await Array.fromAsync(stores.shards.damaged())).map((id) => Buffer.from(id).toString('hex'));
  const expected = [flipped, gone, vanished].map((shard) => Buffer.from(shard!.id).toString('hex'));
  assert.deepEqual(lost, expected.sort());
  assert.ok(await stores.shards.get(whole!.id));
  await stores.shards.recount();
  await assertCountersExact(stores);

  await stores.close();
  const again = await openTestStores(t, { home: stores.home, create: false });
  assert.deepEqual((await again.scrub.get()).last, pass);
  assert.partialDeepStrictEqual(await scrubberOf(again).now(signal), { checkedShards: 7, damagedShards: 0 });
});

test('shards on more than one page are each read once, and those that come and go meanwhile harm nothing', async (t) => {
  const stores = await openTestStores(t, { capacityBytes: 2 ** 30 });
  const [first] = shards(1);
  await stageAll(stores, 'alice', [first!]);
  // 600 references to one shard, and as many ids that are only listed.
  const many = Array.from({ length: 300 }, (_, index) => ({ index, id: first!.id }));
  const quota = { stagedBytesPerPeer: 2 ** 40, storedBytesPerPeer: 2 ** 40 };
  await stores.close();
  const roomy = await openTestStores(t, { home: stores.home, create: false, quota });
  for (const name of ['a', 'b']) await roomy.shards.reference('alice', cidOf(name), SEGMENT, many);
  const others = shards(40, 1);
  await stageAll(roomy, 'alice', others.slice(0, 20));
  const seen: number[] = [];
  let after: Uint8Array | undefined;
  do {
    const page = await roomy.shards.storedAfter(after);
    seen.push(...page.ids.map((id) => id[0] as number));
    after = page.next;
  } while (after !== undefined);
  assert.equal(seen.length, 21);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
  const pass = scrubberOf(roomy).now(signal);
  await Promise.all([stageAll(roomy, 'bob', others.slice(20)), roomy.shards.release(cidOf('a'))]);
  assert.equal((await pass).damagedShards, 0);
});

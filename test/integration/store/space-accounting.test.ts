import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { damageShard } from '../../../node/store/lab-faults.ts';
import { STAGED_IDLE_MS } from '../../../node/store/staged-claim.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { assertCountersExact, cidOf, openTestStores, shards, uploadId } from '../../helpers/store-home.ts';

const SHARDS = shards(4);
const OWNERS = ['alice', 'bob'];
const SEGMENT = cidOf('segment');
const ROOTS = [cidOf('root 0'), cidOf('root 1')];
const TRASH_MS = 3 * STAGED_IDLE_MS;

type Stores = Awaited<ReturnType<typeof openTestStores>>;

const pick = { owner: fc.constantFrom(...OWNERS), shard: fc.nat(SHARDS.length - 1), root: fc.nat(1) };
const step = fc.oneof(
  fc.record({ kind: fc.constant('stage' as const), ...pick, upload: fc.nat(2), width: fc.nat(2), gives: fc.nat(3) }),
  fc.record({ kind: fc.constant('reference' as const), ...pick }),
  fc.record({ kind: fc.constant('release' as const), ...pick }),
  fc.record({ kind: fc.constant('damage' as const), ...pick }),
  fc.record({ kind: fc.constant('sweep' as const), ...pick }),
  fc.record({ kind: fc.constant('empty' as const), ...pick }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** One call as a peer makes it; what the store refuses is part of the run. */
async function run({ shards: store, databases, clock }: Stores, one: Step): Promise<void> {
  const shard = SHARDS[one.shard]!;
  const root = ROOTS[one.root]!;
  const refusals = ['not-held', 'no-space'];
  const refused = (error: { code?: string }) => assert.ok(refusals.includes(error.code ?? ''), String(error));
  switch (one.kind) {
    case 'stage': {
      const list = SHARDS.slice(one.shard, one.shard + one.width + 1);
      const ids = list.map(({ id }) => id);
      const ticket = await store.stage(one.owner, uploadId(one.upload), ids).catch(refused);
      if (ticket === undefined) return;
      const sent = list.filter((_, i) => ticket.wanted[i]).slice(0, one.gives);
      for (const { id, bytes } of sent) await ticket.put(id, bytes);
      return ticket.commit().catch(refused);
    }
    case 'reference':
      return store.reference(one.owner, root, SEGMENT, [{ index: one.shard, id: shard.id }]).catch(refused);
    case 'release':
      await store.release(root);
      return;
    case 'damage':
      await damageShard({ databases }, shard.id).catch((error) => assert.ok(error instanceof RangeError));
      await store.markDamaged(shard.id);
      return;
    case 'sweep':
      await clock.advance(STAGED_IDLE_MS / 2);
      await store.sweepStaged();
      return;
    case 'empty':
      await clock.advance(TRASH_MS / 2);
      await store.emptyTrash();
  }
}

/** Everything that is referenced is here, unless it was noticed that it is not; room is never promised twice. */
async function assertNothingLost({ shards: store }: Stores): Promise<void> {
  const lost = new Set((await Array.fromAsync(store.damaged())).map(toHex));
  for (const root of ROOTS) {
    for await (const { id } of store.referencesOf(root)) assert.ok(lost.has(toHex(id)) || (await store.has(id)));
  }
  const { usedBytes, trashBytes, reservedBytes, capacityBytes } = store.usage();
  assert.ok(usedBytes + trashBytes + reservedBytes <= capacityBytes);
}

test('whatever calls come at once, counters equal a count, and what is whole is not declared lost', async (t) => {
  const property = fc.asyncProperty(fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 12 }), async (rounds) => {
    // Room for all but one: the trash is needed now and then.
    const capacityBytes = (SHARDS.length - 1) * SHARD_BYTES;
    const stores = await openTestStores(t, { capacityBytes, trashTimeMs: TRASH_MS });
    for (const steps of rounds) {
      await Promise.all(steps.map((one) => run(stores, one)));
      // A refused call may have left writes behind.
      await stores.databases.shards.resume();
      await assertCountersExact(stores);
      await assertNothingLost(stores);
      for await (const id of stores.shards.damaged()) assert.equal(await stores.shards.has(id), false);
    }
    for (const root of ROOTS) await stores.shards.release(root);
    await stores.clock.advance(2 * STAGED_IDLE_MS);
    await stores.shards.sweepStaged();
    assert.equal(stores.shards.usage().usedBytes, 0);
    assert.equal(stores.shards.usage().reservedBytes, 0);
    await stores.clock.advance(TRASH_MS);
    await stores.shards.emptyTrash();
    assert.equal(stores.shards.usage().trashBytes, 0);
    assert.equal(await stores.shards.collectOrphans(), 0);
    await stores.close();
  });
  await fc.assert(property, { numRuns: 15 });
});

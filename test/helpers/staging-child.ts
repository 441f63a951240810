import { writeSync } from 'node:fs';
import { systemClock } from '../../node/clock.ts';
import { LAB_TUNING, openStores } from '../../node/store/stores.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { cidOf, shards, uploadId } from './store-home.ts';

/**
 * Started by the crash test, to be killed: several uploads at once stage four shards each, refer to them, and every third
 * releases them again. Reports `stored <seed>` for what is acknowledged and `leaving <seed>` before a release.
 */
const [home, first] = process.argv.slice(2) as [string, string];
const capacityBytes = 4000 * SHARD_BYTES;
const quota = { stagedBytesPerPeer: capacityBytes, storedBytesPerPeer: capacityBytes };
const tuning = { ...LAB_TUNING, headroomBytes: 0 };
const { shards: store } = await openStores({ home, create: false, capacityBytes, quota, clock: systemClock, tuning });
const report = (kind: string, seed: number): number => writeSync(1, `${kind} ${seed}\n`);
let next = Number(first);

async function worker(owner: string): Promise<never> {
  for (;;) {
    const from = next;
    next += 4;
    const list = shards(4, from);
    const ids = list.map(({ id }) => id);
    const ticket = await store.stage(owner, uploadId(from % 256), ids);
    for (const { id, bytes } of list) await ticket.put(id, bytes);
    await ticket.commit();
    for (let i = 0; i < 4; i++) report('stored', from + i);
    const root = cidOf(`root ${from}`);
    const entries = ids.map((id, index) => ({ index, id }));
    await store.reference(owner, root, cidOf(`segment ${from}`), entries);
    if (from % 12 !== 0) continue;
    for (let i = 0; i < 4; i++) report('leaving', from + i);
    await store.release(root);
  }
}

await Promise.all(['alice', 'bob', 'carol'].map(worker));

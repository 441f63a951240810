import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { DishonestShardReader } from '../../node/store/lab-faults.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { type LabFile, PATIENCE_MS, RepairLab } from '../helpers/repair-lab.ts';
import { until } from '../helpers/until.ts';

const NODES = 16;
/** Traffic of repairs, as a multiple of the least. */
const MOST_TRAFFIC = 2.5;
const { signal } = new AbortController();

suite('a network of 16 nodes that repairs itself', async () => {
  const lab = new RepairLab(await mkdtemp(join(tmpdir(), 'holdfast-repair-')), NODES, signal);
  before(() => lab.start());
  after(() => lab.stop());

  /** Kills holders of the file without a goodbye. */
  async function killHolders(file: LabFile, owner: number, count: number): Promise<number[]> {
    const leaving = (await lab.holders(file, owner)).slice(0, count);
    for (const number of leaving) await lab.lab.killNode(number);
    return leaving;
  }

  test('files outlive their owner and every one of their holders', async (t) => {
    const owner = 1;
    const small = await lab.add(owner, 'small', 600_000, { k: 4, m: 2 });
    const wide = await lab.add(owner, 'wide', 1_200_000, { k: 8, m: 4 });
    const original = new Set([...(await lab.holders(small, owner)), ...(await lab.holders(wide, owner))]);
    const least = { fetched: 0, sent: 0 };
    await lab.lab.killNode(owner);
    let observer = lab.running()[0]?.number as number;
    for (const leaving of original) {
      if (leaving === observer) observer = lab.running()[1]?.number as number;
      for (const file of [small, wide]) {
        const { fetched, sent } = await lab.leastRepair(file, leaving, observer);
        least.fetched += fetched;
        least.sent += sent;
      }
      await lab.lab.killNode(leaving);
      const fresh = await lab.addNode();
      for (const file of [small, wide]) await lab.whole(file, fresh, `after node ${leaving} left`);
      observer = fresh;
    }
    const stranger = await lab.addNode();
    for (const file of [small, wide]) {
      assert.ok((await lab.holders(file, stranger)).every((number) => !original.has(number)));
      await lab.assertReadable(file, stranger);
    }
    const { placed, fetched, sent } = lab.totals();
    const mib = (shards: number) => ((shards * SHARD_BYTES) / 2 ** 20).toFixed(1);
    const beside = (what: string, shards: number, minimum: number) =>
      `${what} ${mib(shards)} MiB, at least ${mib(minimum)}: ${(shards / minimum).toFixed(2)} times as much`;
    t.diagnostic(`${original.size} holders and the owner left; ${beside('placed', placed, least.sent)}`);
    t.diagnostic(beside('fetched', fetched, least.fetched));
    t.diagnostic(beside('sent', sent, least.sent));
    // What lies in the trash of a new holder is placed without being sent.
    assert.ok(sent <= placed && placed >= original.size);
    // On a busy machine a guardian may think that the one before it does nothing, and do the same.
    assert.ok(fetched + sent <= MOST_TRAFFIC * (least.fetched + least.sent), 'repairs took too much traffic');
  });

  test('one holder more than a file can lose is an alarm; when one returns, all heals', async () => {
    const [owner] = lab.running().map(({ number }) => number) as [number];
    const file = await lab.add(owner, 'alarm', 300_000, { k: 4, m: 2 });
    const gone = await killHolders(file, owner, 3);
    await until('an alarm', () => lab.alarmed(file).includes(owner), PATIENCE_MS);
    const { verdict, minimumMargin } = await lab.health(file, owner);
    assert.deepEqual([verdict, minimumMargin], ['lost', -1]);
    await lab.restart(gone[0] as number);
    await lab.whole(file, owner, 'after one holder returned');
    await until('the alarm to end', () => !lab.alarmed(file).includes(owner), PATIENCE_MS);
    await lab.assertReadable(file, owner);
    for (const number of gone.slice(1)) await lab.restart(number);
  });

  test('a guardian that dies in mid-repair is followed by the next', async () => {
    const [owner] = lab.running().map(({ number }) => number) as [number];
    const file = await lab.add(owner, 'successor', 300_000, { k: 4, m: 2 });
    const dead: Promise<void>[] = [];
    lab.onEvent = (number, { type, data }) => {
      if (type !== 'repair.started' || data.root !== file.root || dead.length > 0) return;
      dead.push(lab.lab.killNode(number));
    };
    await lab.lab.killNode(owner);
    const [seenBy] = await lab.holders(file, lab.running()[0]?.number as number);
    await killHolders(file, seenBy as number, 1);
    await until('the first guardian to begin, and to die', () => dead.length > 0, PATIENCE_MS);
    await Promise.all(dead);
    lab.onEvent = () => {};
    await lab.whole(file, lab.running().at(-1)?.number as number, 'after its first guardian died');
  });

  test('a source that serves garbage is found out, and what it should have moves away', async () => {
    while (lab.running().length < 10) await lab.addNode();
    const [owner] = lab.running().map(({ number }) => number) as [number];
    const file = await lab.add(owner, 'garbage', 300_000, { k: 4, m: 2 });
    // Data shards are what a rebuild asks for first.
    const first = (await lab.health(file, owner)).worst[0]?.holders[0]?.[0];
    const liar = lab.running().find(({ node }) => node.peerId === first)?.number;
    const { reader, node } = lab.lab.node(liar as number);
    reader.replace((honest) => new DishonestShardReader(honest, () => true));
    const [gone] = (await lab.holders(file, owner)).filter((number) => number !== liar);
    await lab.lab.killNode(gone as number);
    await lab.whole(file, owner, 'beside a liar');
    const faults = lab.events.filter(({ event }) => event.type === 'shard.fault').map(({ event }) => event.data.peer);
    assert.deepEqual([...new Set(faults)], [node.peerId]);
    await lab.assertReadable(file, owner);
  });
});

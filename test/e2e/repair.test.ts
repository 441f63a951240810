import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { RepairLab } from '../helpers/repair-lab.ts';

const NODES = 16;
const { signal } = new AbortController();

suite('a network of 16 nodes that repairs itself', async () => {
  const lab = new RepairLab(await mkdtemp(join(tmpdir(), 'holdfast-repair-')), NODES, signal);
  before(() => lab.start());
  after(() => lab.stop());

  test('files outlive their owner and every one of their holders', async (t) => {
    const owner = 1;
    const small = await lab.add(owner, 'small', 600_000, { k: 4, m: 2 });
    const wide = await lab.add(owner, 'wide', 1_200_000, { k: 8, m: 4 });
    const original = new Set([...(await lab.holders(small, owner)), ...(await lab.holders(wide, owner))]);
    await lab.lab.killNode(owner);
    const begun = performance.now();
    let newest = [2, ...original].find((number) => number !== owner) as number;
    for (const leaving of original) {
      await lab.lab.killNode(leaving);
      const fresh = await lab.addNode();
      for (const file of [small, wide]) await lab.whole(file, fresh, `after node ${leaving} left`);
      newest = fresh;
      t.diagnostic(`${leaving} left: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    }
    for (const file of [small, wide]) {
      const left = await lab.holders(file, newest);
      assert.ok(left.every((number) => !original.has(number)));
    }
    const stranger = await lab.addNode();
    for (const file of [small, wide]) await lab.assertReadable(file, stranger);
    const { placed, fetched, sent } = lab.totals();
    const mib = (shards: number) => ((shards * SHARD_BYTES) / 2 ** 20).toFixed(1);
    t.diagnostic(`${placed} shards placed, ${mib(fetched)} MiB fetched, ${mib(sent)} MiB sent`);
  });
});

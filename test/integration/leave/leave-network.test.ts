import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CID } from 'multiformats/cid';
import type { LabNode } from '../../../node/lab/lab-network.ts';
import { damageShard } from '../../../node/store/lab-faults.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { stream } from '../../helpers/sample-object.ts';
import { startedLab } from '../../helpers/started-lab.ts';
import { pieces } from '../../helpers/transfer-bench.ts';
import { until } from '../../helpers/until.ts';

const NODES = 7;
const { signal } = new AbortController();

test('over sockets: a holder hands over and goes; the file is whole, and can be removed from those it never knew', async (t) => {
  const lab = await startedLab(t, NODES, new Map([['repair.enabled', 'false']]));
  const owner = lab.node(1).node;
  const shardsOf = ({ node }: LabNode) => node.stores.shards.usage().shards;
  const content = stream('leave', 600_000);
  const options = { kind: 'file', code: { k: 2, m: 2 }, onProgress: () => {}, signal } as const;
  const added = await owner.services.files.add(pieces(content), options);
  const root = CID.parse(added.root);
  const holders = lab.nodes.filter((one) => shardsOf(one) > 0);
  const [leaving, damaged] = holders as [LabNode, LabNode];
  const held = shardsOf(leaving);

  // One shard of another holder rots; its scrub finds it.
  const [id] = await Array.fromAsync(damaged.node.stores.shards.ids());
  await damageShard(damaged.node.stores, id!);
  const scrub = await damaged.node.services.storage.scrub({ onProgress: () => {}, signal });
  assert.deepEqual([scrub.checkedShards, scrub.damagedShards], [shardsOf(damaged) + 1, 1]);
  assert.partialDeepStrictEqual(await damaged.node.services.storage.usage(), {
    damagedShards: 1,
    scrub: { last: scrub },
  });

  const progress: number[] = [];
  const leave = () =>
    leaving.node.services.leave.leave({ onProgress: ({ doneShards }) => progress.push(doneShards), signal });
  const first = await leave();
  assert.deepEqual([first.shards, first.placed, first.remaining, first.lost], [held, held, 0, 0]);
  assert.equal(progress.at(-1), held);
  const second = await leave();
  assert.deepEqual([second.elsewhere, second.placed, second.sentBytes], [held, 0, 0]);

  // It takes nothing new, and says so.
  assert.equal((await leaving.node.services.node.describe()).leaving, true);
  const offer = [{ id: new Uint8Array(32), bytes: () => new Uint8Array(SHARD_BYTES) }];
  const refused = owner.host.client.stage(leaving.node.peerId, new Uint8Array(16), offer);
  await assert.rejects(refused, (error: { type?: { code?: string; fault?: { code?: string } } }) => {
    assert.deepEqual([error.type?.code, error.type?.fault?.code], ['refused-not-allowed', 'leaving']);
    return true;
  });
  // What it promised it goes on to answer for.
  const answers = await Array.fromAsync(owner.host.client.have(leaving.node.peerId, { root }, signal));
  assert.equal(answers.length, 1);

  await lab.stopNode(leaving.number);
  const fresh = lab.nodes.filter((one) => one.running && one.number !== 1 && shardsOf(one) > 0);
  for (const { node } of fresh) {
    for (const receipt of await node.stores.issuedReceipts.ofRoot(root)) {
      const original = holders.some((one) => one.node === node);
      assert.equal(receipt.expiresAt === 0, original, 'who took over promises it for a while');
    }
  }
  const health = await owner.services.files.health(added.root, { worst: 9, signal });
  assert.deepEqual([health.presentShards, health.shards], [added.shards - 1, added.shards]);
  const file = await owner.services.files.open(added.root, { signal });
  const read: Uint8Array[] = [];
  for await (const piece of file.read({ start: 0, end: content.length }, signal)) read.push(piece.slice());
  assert.deepEqual(Buffer.concat(read), Buffer.from(content));

  await owner.services.files.release(added.root, signal);
  await until('all to let go of what the owner released', () => fresh.every((one) => shardsOf(one) === 0));
  for (const { node } of fresh) {
    assert.ok(node.stores.shards.usage().trashBytes > 0);
    assert.ok(await node.stores.releases.isReleased(root));
  }
});

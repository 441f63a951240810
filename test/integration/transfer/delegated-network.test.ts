import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../node/clock.ts';
import { resolveConfig } from '../../../node/config/config.ts';
import { markFresh } from '../../../node/config/fresh-home.ts';
import { identityFromSeed } from '../../../node/identity/identity.ts';
import { createKzgEngine } from '../../../node/kzg/create-engine.ts';
import type { KzgEngine } from '../../../node/kzg/engine.ts';
import { silentLogger } from '../../../node/log.ts';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { createNode, type HoldfastNode } from '../../../node/node.ts';
import { systemRandom } from '../../../node/random.ts';
import { FRAME_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { isFalseClaim } from '../../../protocol/stage-claim.ts';
import { stream } from '../../helpers/sample-object.ts';
import { temporaryFolder } from '../../helpers/store-home.ts';
import { collect, pieces } from '../../helpers/transfer-bench.ts';
import { until } from '../../helpers/until.ts';

const content = stream('delegated over sockets', 20 * FRAME_BYTES);
const { signal } = new AbortController();
/** Of four holders, three are drawn: at least one refuses to commit, and at least one commits. */
const HOLDERS = [62, 63, 64, 65];
const REFUSE = [64, 65];
const OWNER = 61;

/** An engine whose first commitment is that of another blob, while `lies` is set. */
function lyingOnce(engine: KzgEngine): { engine: KzgEngine; state: { lies: number } } {
  const state = { lies: 1 };
  const commit: KzgEngine['commit'] = (blob, aborted) => {
    const lie = state.lies > 0;
    if (lie) state.lies--;
    return engine.commit(lie ? new Uint8Array(SHARD_BYTES).fill(1) : blob, aborted);
  };
  const proxy = new Proxy(engine, {
    get(target, name) {
      if (name === 'commit') return commit;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { engine: proxy, state };
}

async function startNode(t: TestContext, folder: string, number: number, engine: KzgEngine): Promise<HoldfastNode> {
  const home = join(folder, `node-${number}`);
  await mkdir(home, { recursive: true, mode: 0o700 });
  await markFresh(home);
  const flags = new Map([
    ['network.name', 'delegated-test'],
    ['network.listen', `/ip4/127.0.${number}.1/tcp/0`],
    ['storage.capacity', '1GiB'],
    ['storage.peerQuota', '1GiB'],
    ['storage.commitForOthers', String(!REFUSE.includes(number))],
    ['lab.enabled', 'true'],
  ]);
  const node = await createNode({
    home,
    identity: identityFromSeed(systemRandom(32)),
    resolved: resolveConfig({ flags }),
    version: 'test',
    log: silentLogger,
    clock: systemClock,
    engine,
  });
  t.after(() => node.stop());
  await node.start();
  return node;
}

test('over sockets: claims are checked, a refusal is made up for, a lie is named, replaced and kept as evidence', async (t) => {
  const folder = await temporaryFolder(t);
  const honest = createKzgEngine({ threads: 2 });
  t.after(() => honest.stop());
  await honest.start();
  const liar = lyingOnce(honest);
  const owner = await startNode(t, folder, OWNER, honest);
  for (const number of HOLDERS) {
    const holder = await startNode(t, folder, number, liar.engine);
    await owner.host.connect(holder.host.addresses()[0] as string, signal);
  }
  await until('the owner to know all holders', async () => owner.candidates.list().length === HOLDERS.length);

  const add = () =>
    owner.services.files.add(pieces(content), {
      kind: 'file',
      code: { k: 2, m: 1 },
      commitments: 'delegated',
      onProgress: () => {},
      signal,
    });
  const readBack = async (root: string) => {
    const file = await owner.services.files.open(root, { signal });
    return collect(file.read({ start: 0, end: content.length }, signal));
  };
  const evidence = () => Array.fromAsync(owner.stores.claimEvidence.list());

  const lied = await add();
  assert.equal(liar.state.lies, 0);
  assert.match(lied.warnings.join(), /failed and was replaced \(it signed a commitment that is not the shard’s\)/);
  assert.deepEqual(await readBack(lied.root), content);
  const [found, ...more] = await evidence();
  assert.deepEqual(more, []);
  assert.ok(found !== undefined);
  const { claim, id, right } = found;
  assert.equal(isFalseClaim(claim, id, right), true);
  const standings = (await owner.services.reputation.list({ limit: 10 })).peers;
  assert.deepEqual(
    standings.map(({ peer, integrity }) => [peer, integrity]),
    [[peerIdFromKey(claim.holder), 0.3]],
  );
  // Nobody else, no other shard and no other signature is convicted by it.
  assert.equal(isFalseClaim({ ...claim, holder: id }, id, right), false);
  assert.equal(isFalseClaim({ ...claim, sig: claim.sig.toReversed() }, id, right), false);
  assert.equal(isFalseClaim(claim, right.subarray(0, 32), right), false);

  const added = await add();
  assert.deepEqual(added.warnings, []);
  assert.ok(added.commitments.claimed > 0 && added.commitments.claimed < 20, `${added.commitments.claimed}`);
  assert.deepEqual(await readBack(added.root), content);
  assert.equal((await evidence()).length, 1);
});

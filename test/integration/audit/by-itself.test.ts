import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { NodeEvent } from '../../../node/api/services.ts';
import { systemClock } from '../../../node/clock.ts';
import { resolveConfig } from '../../../node/config/config.ts';
import { markFresh } from '../../../node/config/fresh-home.ts';
import { identityFromSeed } from '../../../node/identity/identity.ts';
import { createKzgEngine } from '../../../node/kzg/create-engine.ts';
import type { KzgEngine } from '../../../node/kzg/engine.ts';
import { silentLogger } from '../../../node/log.ts';
import { createNode } from '../../../node/node.ts';
import { systemRandom } from '../../../node/random.ts';
import { DishonestShardReader } from '../../../node/store/lab-faults.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { FRAME_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { stream } from '../../helpers/sample-object.ts';
import { temporaryFolder } from '../../helpers/store-home.ts';
import { pieces } from '../../helpers/transfer-bench.ts';
import { until } from '../../helpers/until.ts';

const { signal } = new AbortController();
const OWNER = 71;
const HOLDERS = [72, 73, 74];
const PROVEN = ['invalid-proof', 'declared-lost', 'not-held'];
const LIMIT_MS = 180_000;

async function startNode(t: TestContext, folder: string, number: number, engine: KzgEngine) {
  const home = join(folder, `node-${number}`);
  await mkdir(home, { recursive: true, mode: 0o700 });
  await markFresh(home);
  const flags = new Map([
    ['network.name', 'audits-test'],
    ['network.listen', `/ip4/127.0.${number}.1/tcp/0`],
    ['storage.capacity', '1GiB'],
    ['storage.peerQuota', '1GiB'],
    ['lab.enabled', 'true'],
    ['audit.settle', '0s'],
    ['audit.cycle', '3s'],
    ['audit.retryWindow', '2s'],
    ['audit.cpuShare', '2'],
  ]);
  const state = { lying: false };
  const node = await createNode({
    home,
    identity: identityFromSeed(systemRandom(32)),
    resolved: resolveConfig({ flags }),
    version: 'test',
    log: silentLogger,
    clock: systemClock,
    engine,
    shardReader: (honest) => new DishonestShardReader(honest, () => state.lying),
  });
  t.after(() => node.stop());
  await node.start();
  return { node, state };
}

test('over sockets: holders are audited by themselves, again and again, and what changes is seen', async (t) => {
  const folder = await temporaryFolder(t);
  const engine = createKzgEngine({ threads: 2 });
  t.after(() => engine.stop());
  await engine.start();
  // What proofs and their checks need takes seconds to load, and a challenge leaves about two.
  const blob = new Uint8Array(SHARD_BYTES).fill(1, 31, 32);
  const z = new Uint8Array(32).fill(7, 31);
  const [commitment, { y, proof }] = await Promise.all([engine.commit(blob), engine.open(blob, z)]);
  assert.ok(await engine.verify(commitment, z, y, proof));
  const { node: owner } = await startNode(t, folder, OWNER, engine);
  const holders = [];
  for (const number of HOLDERS) {
    const holder = await startNode(t, folder, number, engine);
    await owner.host.connect(holder.node.host.addresses()[0] as string, signal);
    holders.push(holder);
  }
  await until('the owner to know all holders', () => owner.candidates.list().length === HOLDERS.length);
  const outcomes = new Map<string, string[]>();
  const done: NodeEvent['data'][] = [];
  owner.services.events.subscribe(({ type, data }) => {
    if (type !== 'audit.done') return;
    done.push(data);
    const peer = String(data.peer);
    outcomes.set(peer, [...(outcomes.get(peer) ?? []), String(data.outcome)]);
  });
  const content = stream('audited by itself', 10 * FRAME_BYTES);
  const options = { kind: 'file', code: { k: 2, m: 1 }, onProgress: () => {}, signal } as const;
  const { root } = await owner.services.files.add(pieces(content), options);

  const seen = (peer: string, outcome: string, times = 1) =>
    (outcomes.get(peer) ?? []).filter((one) => one === outcome).length >= times;
  const peers = holders.map(({ node }) => node.peerId) as [string, string, string];
  const wait = (what: string, condition: () => boolean) => until(what, condition, LIMIT_MS);
  await wait('each holder to pass twice', () => peers.every((peer) => seen(peer, 'passed', 2)));
  assert.ok(done.every(({ outcome, shards }) => !PROVEN.includes(String(outcome)) && (shards as number) <= 5));

  // Those that somebody asks for are told of as well.
  const wanted = await owner.audits.run(undefined, signal);
  const toldOf = new Set(done.map(({ audit }) => audit));
  assert.ok(wanted.length >= 3);
  assert.ok(wanted.every(({ id }) => id !== undefined && toldOf.has(toHex(id))));

  const [liar, leaver, honest] = holders as [(typeof holders)[0], (typeof holders)[0], (typeof holders)[0]];
  liar.state.lying = true;
  await wait('the liar to be found', () => seen(liar.node.peerId, 'invalid-proof'));
  await leaver.node.stop();
  await wait('the silence of who left to count', () => seen(leaver.node.peerId, 'unreachable'));
  // It may be late on a busy machine, but it is never disproved.
  assert.ok(!PROVEN.some((outcome) => seen(honest.node.peerId, outcome)));

  // Every challenge was told of once, and what was answered has a receipt.
  // Audits go on meanwhile: those until now.
  const finished = [...done];
  const told = finished.map(({ audit }) => audit);
  assert.equal(new Set(told).size, told.length);
  const { audits } = await owner.services.auditHistory.list({ limit: 1000 });
  const byId = new Map(audits.map((audit) => [audit.id, audit]));
  for (const { audit, outcome } of finished) {
    const record = byId.get(String(audit));
    const both = JSON.stringify([audit, outcome, record]);
    assert.equal(record?.outcome, outcome, both);
    if (outcome === 'passed' || PROVEN.includes(String(outcome))) assert.ok(record?.receipt, both);
    if (outcome === 'unreachable') assert.equal(record?.receipt, false, both);
  }
  const evidence = await Array.fromAsync(owner.stores.audits.evidence(signal));
  assert.ok(evidence.length > 0 && evidence.every(({ peer }) => peer === liar.node.peerId));
  const schedule = () => owner.services.auditHistory.schedule();
  assert.deepEqual((await schedule()).map(({ peer }) => peer).sort(), [...peers].sort());
  // It is noted after the search for the bad shards, which others are told of before.
  const isSuspect = async () =>
    (await schedule()).some(({ peer, suspicion }) => peer === liar.node.peerId && suspicion > 0);
  await until('the liar to be suspect', isSuspect);

  // Released files are audited no more.
  await owner.services.files.release(root, signal);
  await until('nobody to be left to audit', async () => (await owner.services.auditHistory.schedule()).length === 0);
});

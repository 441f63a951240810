import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../node/clock.ts';
import { resolveConfig } from '../../../node/config/config.ts';
import { markFresh } from '../../../node/config/fresh-home.ts';
import { type Identity, identityFromSeed } from '../../../node/identity/identity.ts';
import { createKzgEngine } from '../../../node/kzg/create-engine.ts';
import type { KzgEngine } from '../../../node/kzg/engine.ts';
import { SwitchableReader } from '../../../node/lab/switchable-reader.ts';
import { silentLogger } from '../../../node/log.ts';
import { createNode, type HoldfastNode } from '../../../node/node.ts';
import { DishonestShardReader } from '../../../node/store/lab-faults.ts';
import { encodeAccusation, signAccusation } from '../../../protocol/accusation.ts';
import { FRAME_BYTES } from '../../../protocol/constants.ts';
import { networkId, networkPrefix } from '../../../protocol/hash.ts';
import { topicName } from '../../../protocol/topics.ts';
import { stream } from '../../helpers/sample-object.ts';
import { temporaryFolder } from '../../helpers/store-home.ts';
import { pieces } from '../../helpers/transfer-bench.ts';
import { until } from '../../helpers/until.ts';

const NETWORK = 'reputation-test';
const TOPIC = topicName('evidence', networkPrefix(networkId(NETWORK)));
const OWNER = 71;
const HOLDERS = [72, 73, 74, 75];
const LATE = 76;
const content = stream('reputation over sockets', 6 * FRAME_BYTES);
const { signal } = new AbortController();

interface Started {
  readonly node: HoldfastNode;
  readonly identity: Identity;
  readonly reader: SwitchableReader;
}

async function startNode(t: TestContext, folder: string, number: number, engine: KzgEngine): Promise<Started> {
  const home = join(folder, `node-${number}`);
  await mkdir(home, { recursive: true, mode: 0o700 });
  await markFresh(home);
  const flags = new Map([
    ['network.name', NETWORK],
    ['network.listen', `/ip4/127.0.${number}.1/tcp/0`],
    ['storage.capacity', '1GiB'],
    ['storage.peerQuota', '1GiB'],
    ['lab.enabled', 'true'],
  ]);
  const identity = identityFromSeed(new Uint8Array(32).fill(number));
  let reader: SwitchableReader | undefined;
  const node = await createNode({
    home,
    identity,
    resolved: resolveConfig({ flags }),
    version: 'test',
    log: silentLogger,
    clock: systemClock,
    engine,
    shardReader: (honest) => {
      reader = new SwitchableReader(honest);
      return reader;
    },
  });
  t.after(() => node.stop());
  await node.start();
  return { node, identity, reader: reader as unknown as SwitchableReader };
}

const integrityAt = async ({ node }: Started, peer: string): Promise<number> =>
  (await node.services.reputation.show(peer, { limit: 20, signal })).integrity;

test('over sockets: true evidence counts once at every node, false evidence only harms who sent it', async (t) => {
  const folder = await temporaryFolder(t);
  const engine = createKzgEngine({ threads: 2 });
  t.after(() => engine.stop());
  await engine.start();
  const owner = await startNode(t, folder, OWNER, engine);
  const holders: Started[] = [];
  for (const number of HOLDERS) {
    const holder = await startNode(t, folder, number, engine);
    await owner.node.host.connect(holder.node.host.addresses()[0] as string, signal);
    holders.push(holder);
  }
  await until('the owner to know all holders', () => owner.node.candidates.list().length === HOLDERS.length);
  const subscribers = () => owner.node.host.libp2p.services.pubsub.getSubscribers(TOPIC).length;
  await until('all to listen', () => subscribers() === HOLDERS.length);

  const { root } = await owner.node.services.files.add(pieces(content), {
    kind: 'file',
    code: { k: 2, m: 1 },
    onProgress: () => {},
    signal,
  });
  const passed = await owner.node.services.audits?.run(root, signal);
  assert.deepEqual(
    passed?.map(({ outcome }) => outcome),
    ['passed', 'passed', 'passed'],
  );
  for (const { peer } of passed ?? []) assert.equal(await integrityAt(owner, peer), 0.51);

  // One holder lies from now on.
  const liar = holders.find(({ node }) => node.peerId === passed?.[0]?.peer) as Started;
  liar.reader.replace((reader) => new DishonestShardReader(reader, () => true));
  const failed = await owner.node.services.audits?.run(root, signal);
  const outcomes = new Map(failed?.map(({ peer, outcome }) => [peer, outcome]));
  assert.equal(outcomes.get(liar.node.peerId), 'invalid-proof');
  assert.equal([...outcomes.values()].filter((outcome) => outcome === 'passed').length, 2);
  assert.equal(await integrityAt(owner, liar.node.peerId), 0.31);

  // Holders of other shards have the manifest, the bystander asks for it.
  const others = holders.filter((holder) => holder !== liar);
  for (const other of others) {
    await until('the evidence to arrive', async () => (await integrityAt(other, liar.node.peerId)) === 0.3);
  }
  const told = await liar.node.services.reputation.show(liar.node.peerId, { limit: 20, signal });
  assert.ok(told.evidence.length >= 1);
  assert.equal(told.evidence[0]?.auditor, owner.node.peerId);
  assert.deepEqual([told.integrity, told.changes], [0.5, []]);
  const counts = (await liar.node.services.reputation.list({ limit: 10 })).accusations;
  assert.deepEqual(counts, { accepted: 0, refused: { 'about-self': 1 } });

  // The same failure again is an own finding of the owner, and no news to anybody.
  await owner.node.services.audits?.run(root, signal);
  assert.equal(await integrityAt(owner, liar.node.peerId), 0.11);

  // The owner signs that an honest holder lied, by an audit that it passed.
  const honest = others.find(({ node }) => outcomes.get(node.peerId) === 'passed') as Started;
  const record = await first(owner.node.stores.audits.list({ peer: honest.node.peerId }));
  assert.equal(record.outcome, 'passed');
  const accusation = signAccusation(
    {
      network: networkId(NETWORK),
      accuser: owner.identity.publicKey,
      bundle: record.receipt as Uint8Array,
      issuedAt: systemClock.now(),
    },
    owner.identity,
  );
  await owner.node.host.libp2p.services.pubsub.publish(TOPIC, encodeAccusation(accusation));
  for (const other of others.filter((one) => one !== honest)) {
    await until('gossip to think less of who sent it', () => gossipScore(other, owner) < 0);
    assert.equal(await integrityAt(other, honest.node.peerId), 0.5);
    // Others never audited the owner: of a stranger no score is kept.
    assert.equal(await integrityAt(other, owner.node.peerId), 0.5);
    assert.equal(await integrityAt(other, liar.node.peerId), 0.3);
    const log = (await other.node.services.reputation.show(liar.node.peerId, { limit: 20, signal })).changes;
    assert.deepEqual(
      log.map(({ reason, integrity }) => [reason, integrity]),
      [['evidence', [0.5, 0.3]]],
    );
  }

  // Who comes later asks, and learns the same.
  const late = await startNode(t, folder, LATE, engine);
  for (const other of [...others, liar]) {
    await late.node.host.connect(other.node.host.addresses()[0] as string, signal);
  }
  await until('the late node to learn of it', async () => (await integrityAt(late, liar.node.peerId)) === 0.3);
  assert.equal(await integrityAt(late, honest.node.peerId), 0.5);
});

function gossipScore({ node }: Started, of: Started): number {
  const pubsub = node.host.libp2p.services.pubsub as unknown as { getScore(peer: string): number };
  return pubsub.getScore(of.node.peerId);
}

async function first<T>(items: AsyncIterable<T>): Promise<T> {
  for await (const item of items) return item;
  throw new Error('there is nothing');
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerExplanation } from '../../../node/api/selection-service.ts';
import type { CodeName, NodeEvent } from '../../../node/api/services.ts';
import type { HoldfastNode } from '../../../node/node.ts';
import { stream } from '../../helpers/sample-object.ts';
import { startedLab } from '../../helpers/started-lab.ts';
import { pieces } from '../../helpers/transfer-bench.ts';

const NODES = 6;
const { signal } = new AbortController();

test('over sockets: a banned peer gets no shards and stores none, keeps its promises, and is explained', async (t) => {
  const lab = await startedLab(t, NODES);
  const owner = lab.node(1).node;
  const banned = lab.node(2).node;
  const events: NodeEvent[] = [];
  owner.services.events.subscribe((event) => events.push(event));
  const content = stream('bans', 300_000);
  const add = (node: HoldfastNode, k: number, m: number, codeName: CodeName = 'fr-lagrange') => {
    const options = { kind: 'file', code: { k, m }, codeName, onProgress: () => {}, signal } as const;
    return node.services.files.add(pieces(content), options);
  };

  const before = await add(owner, 3, 2);
  const held = banned.stores.shards.usage().shards;
  assert.ok(held > 0, 'all five others are needed for 3+2');

  await owner.services.selection.ban(banned.peerId, { reason: 'test' });
  for (let i = 0; i < 2; i++) await add(owner, 2, 2);
  assert.equal(banned.stores.shards.usage().shards, held, 'nothing new');
  await assert.rejects(add(owner, 3, 2), { code: 'too-few-peers' });

  const explained = await owner.services.selection.explain(before.root, 0, signal);
  assert.equal(explained.peers.length, NODES - 1);
  const of = (peer: string) => explained.peers.find((one) => one.peer === peer) as PeerExplanation;
  assert.deepEqual([of(banned.peerId).verdict, of(banned.peerId).reasons], ['holder', ['banned']]);
  assert.equal(of(banned.peerId).chance, undefined);
  const chances = explained.peers.flatMap(({ chance }) => chance ?? []);
  assert.equal(chances.length, NODES - 2);
  const later = await owner.services.selection.explain((await add(owner, 2, 1)).root, 0, signal);
  const verdicts = later.peers.map(({ verdict }) => verdict).sort();
  assert.deepEqual(verdicts, ['eligible', 'holder', 'holder', 'holder', 'ineligible']);
  await assert.rejects(owner.services.selection.explain(before.root, 1, signal), { code: 'invalid-request' });
  await assert.rejects(banned.services.selection.explain(before.root, 0, signal), { code: 'not-in-catalog' });

  // What was promised goes on: it is audited, and its proof counts.
  const audits = await owner.services.audits?.run(before.root, signal);
  assert.deepEqual(
    audits?.map(({ outcome }) => outcome),
    Array(NODES - 1).fill('passed'),
  );

  // The other way round: it may store at all others, not at the owner.
  const ownerHolds = owner.stores.shards.usage().shards;
  const added = await add(banned, 1, 3, 'replica');
  assert.equal(added.holders, 4);
  assert.equal(owner.stores.shards.usage().shards, ownerHolds);
  const direct = banned.host.client.stage(owner.peerId, new Uint8Array(16), [
    { id: new Uint8Array(32), bytes: () => new Uint8Array(131_072) },
  ]);
  await assert.rejects(direct, (error: { type?: { code?: string; fault?: { code?: string } } }) => {
    assert.deepEqual([error.type?.code, error.type?.fault?.code], ['refused-not-allowed', 'banned']);
    return true;
  });

  await lab.stopNode(1);
  await lab.restartNode(1, signal);
  const restarted = lab.node(1).node;
  assert.deepEqual(
    (await restarted.services.selection.bans()).map(({ peer, reason }) => [peer, reason]),
    [[banned.peerId, 'test']],
  );
  const shown = await restarted.services.selection.show(banned.peerId);
  assert.ok(shown.ban !== undefined);
  await restarted.services.selection.unban(banned.peerId);
  await assert.rejects(restarted.services.selection.unban(banned.peerId), { code: 'not-banned' });
  await assert.rejects(restarted.services.selection.ban(restarted.peerId, {}), { code: 'invalid-request' });
  await assert.rejects(restarted.services.selection.ban('nobody', {}), { code: 'invalid-request' });
  const about = events.filter(({ type }) => type.startsWith('peer.') && type.endsWith('banned'));
  assert.deepEqual(
    about.map(({ type, data }) => [type, data.peer, data.reason]),
    [['peer.banned', banned.peerId, 'test']],
  );
});

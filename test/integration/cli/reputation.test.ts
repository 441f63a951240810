import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folders, folderWithNode } from './cli-fixture.ts';

const PEERS = ['A', 'B', 'C'].map((letter) => `12D3KooW${letter.repeat(44)}`) as [string, string, string];

test('reputation ls and show say how a peer is seen and why', async (t) => {
  const { run, services } = await folderWithNode(t);
  const [judged] = services.judged;
  assert.ok(judged !== undefined);
  services.judged = PEERS.map((peer, i) => ({ ...judged, peer, disqualified: i === 2, vetted: i === 1 }));
  const listed = await run(['reputation', 'ls']);
  assert.equal(listed.code, 0);
  assert.match(listed.stdout, new RegExp(`^${PEERS[0]} +0\\.310 +0\\.50 +0\\.050 +not vetted$`, 'm'));
  assert.match(listed.stdout, new RegExp(`^${PEERS[1]}.* vetted$`, 'm'));
  assert.match(listed.stdout, new RegExp(`^${PEERS[2]}.* disqualified$`, 'm'));
  assert.equal((await run(['reputation', 'ls', '-q'])).stdout, `${PEERS.join('\n')}\n`);
  const json = JSON.parse((await run(['reputation', 'ls', '--json'])).stdout);
  assert.deepEqual(json, { peers: services.judged, accusations: { accepted: 1, refused: { known: 2 } } });

  const shown = await run(['reputation', 'show', PEERS[0]]);
  assert.equal(shown.code, 0);
  assert.match(shown.stdout, /evidence +integrity 0\.51 → 0\.31 +availability 0\.100 +found by somebody$/m);
  assert.match(shown.stdout, /passed +integrity 0\.50 → 0\.51 +availability 0\.050 → 0\.100$/m);
  assert.match(shown.stdout, /^false commitments\n.* shard (ab){32}$/m);
  assert.ok(shown.stdout.indexOf('0.31') < shown.stdout.indexOf('passed'));
  assert.match((await run(['reputation', 'show', PEERS[0], '--changes', '1'])).stdout, /older changes are left out/);
  assert.equal((await run(['reputation', 'show', PEERS[0], '-q'])).stdout, '0.310\n');
  assert.equal(JSON.parse((await run(['reputation', 'show', PEERS[0], '--json'])).stdout).changes.length, 2);
});

test('reputation forgive tells why, and says what became of it', async (t) => {
  const { run, services } = await folderWithNode(t);
  const peer = services.judged[0]?.peer as string;
  const forgiven = await run(['reputation', 'forgive', peer, '--reason', 'a broken disk']);
  assert.deepEqual([forgiven.code, forgiven.stdout], [0, `forgave ${peer}: its standing is that of a newcomer\n`]);
  assert.deepEqual(services.forgiven, [[peer, 'a broken disk']]);
  assert.equal((await run(['reputation', 'forgive', PEERS[1]])).code, 1);
});

test('what is no peer, no number or has no node ends with its exit code', async (t) => {
  const { run } = await folderWithNode(t);
  assert.equal((await run(['reputation', 'show', 'nobody'])).code, 64);
  assert.equal((await run(['reputation', 'show', PEERS[0], '--changes', '0'])).code, 64);
  assert.equal((await run(['reputation', 'show'])).code, 64);
  const none = await (await folders(t)).run(['reputation', 'ls']);
  assert.equal(none.code, 6);
  assert.match(none.stderr, /^holdfast: [^\n]+\n$/);
});

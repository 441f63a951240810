import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import type { PlacementExplanation } from '../../node/api/selection-service.ts';
import { DaemonNetwork } from '../helpers/daemon-network.ts';
import { expectFailure } from '../helpers/expect-failure.ts';
import { until } from '../helpers/until.ts';

interface Peers {
  readonly peers: readonly { readonly peer: string; readonly connected: boolean; readonly freeBytes?: number }[];
}

interface Added {
  readonly link: string;
  readonly code: { readonly name: string; readonly k: number; readonly m: number };
}

suite('two networks on one machine', () => {
  let ours: DaemonNetwork;
  let theirs: DaemonNetwork;

  before(async () => {
    ours = await DaemonNetwork.start({ daemons: 2 });
    theirs = await DaemonNetwork.start({ daemons: 2, from: 11 });
  });
  after(async () => {
    await ours?.stop();
    await theirs?.stop();
  });

  test('two peers are enough for a file: the other one keeps a copy', async () => {
    const content = randomBytes(200_000);
    const { link, code } = await ours.daemon(1).json<Added>(['add', '-'], { input: content });
    assert.deepEqual(code, { name: 'replica', k: 1, m: 0 });
    assert.deepEqual((await ours.daemon(2).ok(['cat', link])).bytes, content);
  });

  test('peers of another network are let go, and nothing of one network is found in the other', async () => {
    const [a, b] = [ours.daemon(1), theirs.daemon(1)];
    const stranger = { exit: 2, error: 'wrong-network', says: /is of another network/ };
    await expectFailure(a, ['peers', 'connect', b.address], stranger);
    await until('the stranger to be disconnected', async () => {
      const { peers } = await a.look<Peers>('/v1/peers');
      return !peers.some(({ peer, connected }) => connected && peer === b.peer);
    });
    const { peers } = await a.json<Peers>(['peers', 'ls']);
    assert.deepEqual(
      peers.filter(({ freeBytes }) => freeBytes !== undefined).map(({ peer }) => peer),
      [ours.daemon(2).peer],
    );
    const { stdout: link } = await a.ok(['add', '-', '-q'], { input: 'ours' });
    const unknown = { exit: 1, error: 'unknown-file', says: /nobody has bafyrei/ };
    await expectFailure(b, ['cat', link.trim()], unknown);
    assert.equal((await theirs.stored()).usedBytes, 0);
    assert.equal((await theirs.daemon(2).ok(['peers', 'ls', '-q'])).stdout, `${b.peer}\n`);
  });

  test('a node whose network was renamed does not read what it stored before', async () => {
    const [a] = ours.daemons;
    const { files } = await a!.json<{ files: { link: string }[] }>(['ls']);
    await a!.stop();
    await a!.start({ HOLDFAST_NETWORK_NAME: 'renamed' });
    await expectFailure(a!, ['cat', files[0]!.link], { exit: 2, error: 'wrong-network', says: /another network/ });
  });
});

test('peers that know only one of the others find all of them, and say why they take whom', async (t) => {
  const network = await DaemonNetwork.create({ daemons: 5, from: 21 });
  t.after(() => network.stop());
  const [first, ...rest] = network.daemons;
  await first!.start({ HOLDFAST_NETWORK_BOOTSTRAP: '' });
  for (const daemon of rest) await daemon.start({ HOLDFAST_NETWORK_BOOTSTRAP: first!.address });
  await until('everybody to know everybody', async () => {
    for (const daemon of network.daemons) {
      const { peers } = await daemon.look<Peers>('/v1/peers');
      if (peers.filter(({ freeBytes }) => freeBytes !== undefined).length < 4) return false;
    }
    return true;
  });

  const [, second] = network.daemons;
  const { stdout } = await first!.ok(['add', '-', '-q'], { input: randomBytes(1000) });
  await first!.ok(['peers', 'ban', second!.peer, '--reason', 'test', '--for', '1d']);
  const explain = () => first!.json<PlacementExplanation>(['peers', 'ls', '--explain', stdout.trim()]);
  const { peers } = await explain();
  assert.deepEqual(
    peers.map(({ peer, reasons }) => [peer, reasons.includes('banned')]).sort(),
    rest.map(({ peer }) => [peer, peer === second!.peer]).sort(),
  );
  const total = peers.reduce((sum, { chance = 0 }) => sum + chance, 0);
  assert.ok(Math.abs(total - 1) < 1e-9, 'chances of those that may be drawn');
  assert.match((await first!.ok(['peers', 'show', second!.peer])).stdout, /^new shards +no: banned$/m);
  await first!.ok(['peers', 'unban', second!.peer]);
  assert.ok((await explain()).peers.every(({ reasons }) => !reasons.includes('banned')));
});

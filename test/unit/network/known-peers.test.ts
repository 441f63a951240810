import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../node/log.ts';
import { KnownPeers } from '../../../node/network/known-peers.ts';
import type { KnownPeer } from '../../../node/store/peer-store.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const MINUTE = 60_000;

function known(stored: KnownPeer[] = []) {
  const clock = new ManualClock();
  const written: KnownPeer[] = [];
  const pruned: number[] = [];
  let failing = false;
  const peers = new KnownPeers(
    {
      async put(peer) {
        if (failing) throw new Error('disk full');
        written.push(peer);
      },
      async *list() {
        yield* stored;
      },
      async prune(keep) {
        pruned.push(keep);
        return 0;
      },
    },
    clock,
    silentLogger,
  );
  return { peers, clock, written, pruned, fail: () => (failing = true) };
}

test('what was advertised last is known, with an address that can be dialled', async () => {
  const { peers, clock, written } = known();
  peers.advertised('P', 'holdfast/1', ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/1/p2p/P']);
  await peers.stop();
  const { agent, addresses } = peers.get('P') ?? {};
  assert.deepEqual({ agent, count: addresses?.length }, { agent: 'holdfast/1', count: 2 });
  assert.deepEqual(written, [
    { peer: 'P', addresses: ['/ip4/10.0.0.1/tcp/1/p2p/P', '/ip4/10.0.0.2/tcp/1/p2p/P'], seen: clock.now() },
  ]);
  assert.equal(peers.get('Q'), undefined);
});

test('the same advert is written again only after a while, another address at once', async () => {
  const { peers, clock, written } = known();
  const advertise = async (address: string) => {
    peers.advertised('P', 'a', [address]);
    await peers.stop();
    return written.length;
  };
  assert.equal(await advertise('/ip4/10.0.0.1/tcp/1'), 1);
  await clock.advance(MINUTE);
  assert.equal(await advertise('/ip4/10.0.0.1/tcp/1'), 1);
  assert.equal(await advertise('/ip4/10.0.0.9/tcp/1'), 2);
  await clock.advance(11 * MINUTE);
  assert.equal(await advertise('/ip4/10.0.0.9/tcp/1'), 3);
  peers.advertised('Q', 'a', []);
  await peers.stop();
  assert.equal(written.length, 3);
});

test('any number of identities is bounded in memory and on disk', async () => {
  const { peers, pruned } = known();
  for (let i = 0; i < 2_100; i++) peers.advertised(`P${i}`, 'a', ['/ip4/10.0.0.1/tcp/1']);
  await peers.stop();
  assert.equal(peers.get('P0'), undefined);
  assert.ok(peers.get('P2099') !== undefined);
  assert.deepEqual(pruned, [2_000, 2_000, 2_000, 2_000]);
});

test('a restart calls the peers seen last, one address each', async () => {
  const stored = Array.from({ length: 20 }, (_, i) => ({ peer: `P${i}`, addresses: [`/a/${i}`, '/b'], seen: i }));
  const { peers } = known([...stored, { peer: 'none', addresses: [], seen: 99 }]);
  const addresses = await peers.addresses();
  assert.deepEqual(addresses.slice(0, 2), ['/a/19', '/a/18']);
  assert.equal(addresses.length, 15);
});

test('a disk that is full takes nothing from what is known', async () => {
  const { peers, fail } = known();
  fail();
  peers.advertised('P', 'a', ['/ip4/10.0.0.1/tcp/1']);
  await peers.stop();
  assert.ok(peers.get('P') !== undefined);
});

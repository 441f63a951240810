import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Peer, PeerData, PeerId } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { identityFromSeed } from '../../../node/identity/identity.ts';
import { parsePeerId } from '../../../node/network/peer-key.ts';
import { RecentPeers } from '../../../node/network/recent-peers.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const [one, two] = [1, 2].map((i) => parsePeerId(identityFromSeed(new Uint8Array(32).fill(i)).peerId)) as [
  PeerId,
  PeerId,
];
const ADDRESS = multiaddr('/ip4/192.0.2.1/tcp/1000');
const OTHER = multiaddr('/ip4/192.0.2.2/tcp/1000');

function fixture() {
  const calls: string[] = [];
  const clock = new ManualClock();
  const state = { missing: false };
  const store = {
    get: async (id: PeerId) => {
      calls.push(`get ${id === one ? 1 : 2}`);
      if (state.missing) throw new Error('NotFoundError');
      return { id } as Peer;
    },
    merge: async (id: PeerId, _: PeerData) => {
      calls.push(`merge ${id === one ? 1 : 2}`);
      return { id } as Peer;
    },
  };
  return { calls, clock, state, peers: new RecentPeers(store, clock) };
}

test('what was read or merged a short time ago is not again', async () => {
  const { calls, peers } = fixture();
  for (let i = 0; i < 2; i++) {
    for (const id of [one, two]) {
      assert.equal((await peers.get(id)).id, id);
      assert.equal((await peers.merge(id, { multiaddrs: [ADDRESS] })).id, id);
    }
  }
  assert.deepEqual(calls, ['get 1', 'merge 1', 'get 2', 'merge 2']);
});

test("other addresses, other protocols, and both in each other's place are merged", async () => {
  const { calls, peers } = fixture();
  await peers.merge(one, { multiaddrs: [ADDRESS] });
  await peers.merge(one, { multiaddrs: [OTHER] });
  await peers.merge(one, { multiaddrs: [ADDRESS, OTHER] });
  await peers.merge(one, { protocols: ['/a'] });
  await peers.merge(one, { protocols: ['/a'], multiaddrs: [ADDRESS] });
  assert.equal(calls.length, 5);
});

test('what is more than addresses and protocols is merged each time', async () => {
  const { calls, peers } = fixture();
  for (let i = 0; i < 2; i++) await peers.merge(one, { multiaddrs: [ADDRESS], tags: { keep: { value: 1 } } });
  assert.equal(calls.length, 2);
});

test('after a change, or half a minute, all is read and merged again, of this peer alone', async () => {
  const { calls, clock, peers } = fixture();
  const all = async () => {
    for (const id of [one, two]) {
      await peers.get(id);
      await peers.merge(id, { protocols: ['/a'] });
    }
    return calls.splice(0);
  };
  assert.equal((await all()).length, 4);
  peers.forget(one);
  assert.deepEqual(await all(), ['get 1', 'merge 1']);
  await clock.advance(30_000);
  assert.equal((await all()).length, 4);
});

test('a peer that is not known is looked up again', async () => {
  const { calls, state, peers } = fixture();
  state.missing = true;
  await assert.rejects(peers.get(one));
  state.missing = false;
  assert.equal((await peers.get(one)).id, one);
  assert.equal(calls.length, 2);
});

test('one peer cannot make the memory grow: what is too much is merged each time', async () => {
  const { calls, peers } = fixture();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 40; i++) await peers.merge(one, { protocols: [`/${i}`] });
    await peers.merge(one, { protocols: ['x'.repeat(2000)] });
  }
  assert.equal(calls.filter((call) => call === 'merge 1').length, 41 + 9);
});

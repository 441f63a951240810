import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CandidateTable } from '../../../node/placement/candidates.ts';
import { peerLists } from '../../../node/placement/peer-lists.ts';
import { subnetOf, UNVERIFIED_SUBNET } from '../../../node/placement/subnet.ts';
import { NEUTRAL_STANDING } from '../../helpers/candidates.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const advert = (peer: string, changes = {}) => ({
  peer,
  capacity: 100,
  free: 80,
  region: 'eu',
  addresses: ['/dns4/example.org/tcp/1', '/ip4/10.1.2.3/tcp/4001'],
  ...changes,
});

test('a peer is online while its advert is young or a connection is open', async () => {
  const clock = new ManualClock();
  const table = new CandidateTable({ clock, maxAgeMs: 1000, standingOf: () => NEUTRAL_STANDING });
  table.advertised(advert('a'));
  assert.equal(table.get('a')?.online, true);
  await clock.advance(1001);
  assert.equal(table.get('a')?.online, false);
  table.connected('a', '/ip4/10.9.8.7/tcp/1');
  assert.deepEqual([table.get('a')?.online, table.get('a')?.subnet], [true, '10.9.8.0/24']);
  table.disconnected('a');
  assert.equal(table.get('a')?.online, false);
  table.advertised(advert('a'));
  table.unreachable('a');
  assert.equal(table.get('a')?.online, false);
  table.advertised(advert('a'));
  assert.deepEqual([table.get('a')?.online, table.get('a')?.subnet], [true, '10.9.8.0/24']);
});

test('the subnet is that of the address a peer was last seen at, never one of its own advert', () => {
  const table = new CandidateTable({ clock: new ManualClock(), maxEntries: 3, standingOf: () => NEUTRAL_STANDING });
  for (const peer of ['a', 'b', 'c']) table.advertised(advert(peer));
  const subnets = () => table.list().map(({ subnet }) => subnet);
  assert.deepEqual(subnets(), [UNVERIFIED_SUBNET, UNVERIFIED_SUBNET, UNVERIFIED_SUBNET]);
  table.connected('a', '/ip4/10.9.8.7/tcp/1');
  table.connected('b', '/ip4/10.9.8.7/tcp/1/p2p/12D3/p2p-circuit');
  table.disconnected('a');
  table.advertised(advert('a', { addresses: ['/ip4/10.77.8.7/tcp/1'] }));
  table.unreachable('a');
  assert.deepEqual(subnets(), [UNVERIFIED_SUBNET, UNVERIFIED_SUBNET, '10.9.8.0/24']);
  // Who asks for the subnet alone is told that it is not known.
  assert.deepEqual(
    ['a', 'b', 'c'].map((peer) => table.subnetOf(peer)),
    ['10.9.8.0/24', undefined, undefined],
  );
  // No more are remembered than there may be candidates.
  for (const peer of ['d', 'e', 'f']) table.connected(peer, '/ip4/10.9.8.7/tcp/1');
  assert.equal(table.get('a')?.subnet, UNVERIFIED_SUBNET);
});

test('promised bytes count until the next advert', () => {
  const table = new CandidateTable({ clock: new ManualClock(), standingOf: () => NEUTRAL_STANDING });
  table.advertised(advert('a'));
  table.promised('a', 50);
  table.promised('a', 50);
  assert.equal(table.get('a')?.free, 0);
  table.advertised(advert('a', { free: 10 }));
  assert.equal(table.get('a')?.free, 10);
});

test('the table is bounded: the oldest advert leaves first', () => {
  const table = new CandidateTable({ clock: new ManualClock(), maxEntries: 3, standingOf: () => NEUTRAL_STANDING });
  for (const peer of ['a', 'b', 'c']) table.advertised(advert(peer));
  table.advertised(advert('a'));
  table.advertised(advert('d'));
  assert.deepEqual(
    table.list().map(({ peer }) => peer),
    ['c', 'a', 'd'],
  );
  table.remove('a');
  assert.equal(table.get('a'), undefined);
});

test('standing, bans, lists and doubts about regions are asked for', async () => {
  const clock = new ManualClock();
  const standing = {
    integrity: 0.8,
    availability: 0.5,
    vetted: true,
    integrityFailedAt: clock.now(),
    disqualified: true,
  };
  const table = new CandidateTable({
    clock,
    standingOf: (peer) => (peer === 'b' ? standing : NEUTRAL_STANDING),
    isBanned: (peer) => peer === 'b',
    listingOf: peerLists(['a', 'b', 'c'], ['b']),
    doubtsRegion: (peer, region) => peer === 'b' && region === 'eu',
    suspensionMs: 1000,
  });
  for (const peer of ['a', 'b', 'd']) table.advertised(advert(peer));
  const plain = { integrity: 0.5, reputation: 0.5, vetted: false, suspended: false, disqualified: false };
  const view = (peer: string) => {
    const { capacity: _, free: _free, subnet: _subnet, online: _online, peer: _peer, ...rest } = table.get(peer) ?? {};
    return rest;
  };
  assert.deepEqual(view('a'), { region: 'eu', declaredRegion: 'eu', banned: false, listing: undefined, ...plain });
  assert.equal(table.get('d')?.listing, 'not-allowed');
  const judged = { integrity: 0.8, reputation: 0, vetted: true, suspended: true, disqualified: true };
  assert.deepEqual(view('b'), { region: '', declaredRegion: 'eu', banned: true, listing: 'denied', ...judged });
  table.advertised(advert('b', { region: 'us' }));
  assert.equal(table.get('b')?.region, 'us');
  await clock.advance(1000);
  assert.equal(table.get('b')?.suspended, false);
  assert.equal(peerLists([], [])('anyone'), undefined);
});

const subnets = {
  '/ip4/127.0.7.1/tcp/4001': '127.0.7.0/24',
  '127.0.7.1': '127.0.7.0/24',
  '/ip6/2001:db8:1:2::3/tcp/1': '2001:db8:1::/48',
  '2001:0db8:0001:ffff:0:0:0:1': '2001:db8:1::/48',
  '::1': '0:0:0::/48',
  '::ffff:192.0.2.9': '192.0.2.0/24',
  'fe80::1%eth0': 'fe80:0:0::/48',
  '/dns4/example.org/tcp/1': undefined,
  '/ip4/1.2.3.4/tcp/1/p2p/12D3/p2p-circuit': undefined,
  '/ip4/1.2.3.256/tcp/1': undefined,
  '1:2:3': undefined,
  '1::2::3': undefined,
  'g::1': undefined,
  '': undefined,
};
for (const [address, subnet] of Object.entries(subnets)) {
  test(`the subnet of ${JSON.stringify(address)} is ${subnet}`, () => assert.equal(subnetOf(address), subnet));
}

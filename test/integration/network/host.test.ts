import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { stop } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { NetworkError, RequestError } from '../../../node/network/errors.ts';
import type { Host } from '../../../node/network/host.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import { networkId } from '../../../protocol/hash.ts';
import { verifyAdvert } from '../../../protocol/hello.ts';
import { connect, makeHost, startHost, until, withHosts } from './hosts.ts';

/** What a host has heard: peer → free bytes and addresses. */
function hearing(host: Host): Map<string, { free: number; addresses: readonly string[] }> {
  const heard = new Map();
  host.adverts.onAdvert((peer, advert, addresses) => {
    assert.ok(verifyAdvert(advert));
    heard.set(peer, { free: advert.free, addresses });
  });
  return heard;
}

test('both ends of a new connection know each other’s advert', async () => {
  await withHosts([21, 22], async (a, b) => {
    const [heardByA, heardByB] = [hearing(a), hearing(b)];
    await connect(a, b);
    await until(() => heardByA.has(b.peerId) && heardByB.has(a.peerId));
    assert.deepEqual(heardByA.get(b.peerId), { free: 2200, addresses: b.addresses() });
    assert.deepEqual(heardByB.get(a.peerId), { free: 2100, addresses: a.addresses() });
  });
});

test('a peer is heard of although others filled its record with addresses', async () => {
  await withHosts([26, 27], async (a, b) => {
    const heard = hearing(b);
    const multiaddrs = Array.from({ length: 150 }, (_, i) =>
      multiaddr(`/dns4/${'x'.repeat(60)}.${'y'.repeat(60)}.${i}.example/tcp/1`),
    );
    const fill = (addresses: typeof multiaddrs) => b.libp2p.peerStore.merge(a.libp2p.peerId, { multiaddrs: addresses });
    await fill(multiaddrs.slice(0, 100));
    await assert.rejects(fill(multiaddrs), RangeError);
    await connect(a, b);
    await until(() => heard.has(a.peerId));
    const known = (await b.libp2p.peerStore.get(a.libp2p.peerId)).addresses.map(({ multiaddr }) =>
      multiaddr.toString(),
    );
    assert.ok(known.length < 10, `${known.length} addresses`);
  });
});

test('an advert reaches a peer that is connected only to a third', async () => {
  await withHosts(
    [23, 24, 25],
    async (...hosts) => {
      const [a, b, c] = hosts as [Host, Host, Host];
      // A query of the DHT would connect the far ends.
      for (const host of hosts) await stop(host.libp2p.services.dht);
      const heard = hearing(c);
      await connect(b, c);
      await connect(a, b);
      await until(() => heard.has(a.peerId));
      assert.deepEqual(heard.get(a.peerId), { free: 2300, addresses: a.addresses() });
      assert.deepEqual(c.connected(), [b.peerId]);
    },
    { callDiscovered: false },
  );
});

test('peers are listed with addresses and direction, and a listener hears them come and go', async () => {
  await withHosts([26, 27], async (a, b) => {
    const events: string[] = [];
    b.onConnection({
      connected: (peer, address) => events.push(`+${peer} ${address.split('/')[2]}`),
      disconnected: (peer) => events.push(`-${peer}`),
    });
    await connect(a, b);
    await until(() => b.peers().length === 1);
    const [peerOfA] = a.peers();
    const [peerOfB] = b.peers();
    assert.equal(peerOfA?.direction, 'outbound');
    assert.equal(peerOfA?.peer, b.peerId);
    assert.deepEqual(peerOfA?.addresses, b.addresses());
    assert.equal(peerOfB?.direction, 'inbound');
    assert.match(peerOfB?.addresses[0] ?? '', /^\/ip4\/127\.0\.26\.1\//, 'a lab node calls from its own address');
    assert.deepEqual(a.connected(), [b.peerId]);
    assert.ok((await a.ping(b.peerId)) >= 0);
    await a.disconnect(b.peerId);
    await until(() => events.length === 2);
    assert.deepEqual(events, [`+${a.peerId} 127.0.26.1`, `-${a.peerId}`]);
    assert.deepEqual(b.peers(), []);
  });
});

test('a provider record is found by peers that never met the provider', async () => {
  await withHosts([31, 32, 33, 34, 35], async (...hosts) => {
    const [first, ...others] = hosts as [Host, ...Host[]];
    // A star: everybody knows the first only.
    for (const host of others) await connect(host, first);
    await until(() => hosts.every((host) => routingTableSize(host) > 0));
    const root = nodeCid(Uint8Array.of(1, 2, 3));
    const [provider, ...seekers] = others as [Host, ...Host[]];
    assert.ok((await provider.routing.provide(root)) > 0);
    for (const seeker of seekers) {
      const found: string[] = [];
      for await (const peer of seeker.routing.findProviders(root)) found.push(peer);
      assert.deepEqual(found, [provider.peerId]);
      await provider.reqresp
        .handle('manifest', async (_, stream) => stream.write(Uint8Array.of(0), Uint8Array.of(1, 2, 3)))
        .catch(() => {});
      assert.deepEqual(await seeker.client.manifest(provider.peerId, root), Uint8Array.of(1, 2, 3));
    }
    const nobody: string[] = [];
    for await (const peer of first.routing.findProviders(nodeCid(Uint8Array.of(9)))) nobody.push(peer);
    assert.deepEqual(nobody, []);
    const aborted = AbortSignal.abort(new Error('enough'));
    await assert.rejects(first.routing.findProviders(root, aborted).next(), /enough/);
    await assert.rejects(first.routing.provide(root, aborted), /enough/);
  });
});

test('nodes of networks with different names do not stay connected and exchange nothing', async () => {
  const [a, b] = await Promise.all([startHost(36), startHost(37, { network: networkId('other') })]);
  try {
    const [heardByA, heardByB] = [hearing(a), hearing(b)];
    await assert.rejects(connect(a, b), { code: 'other-network' });
    await assert.rejects(
      a.client.hello(b.peerId, new Uint8Array(1)),
      (error) => error instanceof RequestError && ['unsupported', 'dial-failed', 'closed-early'].includes(error.code),
    );
    await until(() => a.peers().length === 0 && b.peers().length === 0);
    assert.equal(heardByA.size + heardByB.size, 0);
    assert.equal(routingTableSize(a) + routingTableSize(b), 0);
  } finally {
    await Promise.all([a.stop(), b.stop()]);
  }
});

test('a bootstrap peer that starts late is found, and its peers after it', async () => {
  const [hub, other] = await Promise.all([startHost(41), startHost(42)]);
  const address = hub.addresses()[0] as string;
  await connect(other, hub);
  await hub.stop();
  const late = await startHost(43, { bootstrap: [address] });
  const port = address.split('/')[4] as string;
  const again = await startHost(41, { listen: [`/ip4/127.0.41.1/tcp/${port}`] });
  try {
    await until(() => late.connected().includes(again.peerId));
    await connect(other, again);
    await until(() => late.connected().includes(other.peerId));
  } finally {
    await Promise.all([late.stop(), again.stop(), other.stop()]);
  }
});

test('start and stop twice do what once does, and a stop ends open streams', async () => {
  const [a, b] = await Promise.all([startHost(44), startHost(45)]);
  await Promise.all([a.start(), a.start()]);
  let handlerEnded: unknown;
  await b.reqresp.handle('fetch', async (_, stream) => {
    await stream.write(Uint8Array.of(0));
    await new Promise<void>((resolve) => stream.signal.addEventListener('abort', () => resolve()));
    handlerEnded = stream.signal.reason;
  });
  await connect(a, b);
  const streams = await Promise.all(Array.from({ length: 8 }, () => a.reqresp.open(b.peerId, 'fetch')));
  for (const stream of streams) {
    await stream.write(new Uint8Array(1));
    await stream.read(1);
  }
  const reads = Promise.allSettled(streams.map((stream) => stream.read(1)));
  await Promise.all([a.stop(), a.stop()]);
  for (const read of await reads) {
    assert.ok(read.status === 'rejected' && read.reason instanceof RequestError && read.reason.code === 'aborted');
  }
  await until(() => handlerEnded !== undefined);
  await assert.rejects(
    a.reqresp.open(b.peerId, 'fetch'),
    (error) => error instanceof RequestError && error.code === 'aborted',
  );
  await b.stop();
  const never = await makeHost(46);
  await never.stop();
});

test('what cannot be reached, listened on or read is told as such', async () => {
  await withHosts([47], async (host) => {
    const isError = (code: string) => (error: unknown) => error instanceof NetworkError && error.code === code;
    await assert.rejects(host.connect('nonsense'), isError('bad-address'));
    await assert.rejects(host.connect('/ip4/127.0.48.1/tcp/1'), isError('connect-failed'));
    await assert.rejects(makeHost(48, { listen: ['/ip4/300.1.1.1/tcp/1'] }), isError('bad-address'));
    const stranger = await makeHost(49);
    await assert.rejects(
      host.client.manifest(stranger.peerId, nodeCid(Uint8Array.of(1))),
      (error) => error instanceof RequestError && error.code === 'dial-failed' && error.type.peer === stranger.peerId,
    );
    await stranger.stop();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.48.1', resolve));
    const { port } = taken.address() as { port: number };
    const blocked = await makeHost(48, { listen: [`/ip4/127.0.48.1/tcp/${port}`] });
    await assert.rejects(blocked.start(), isError('listen-failed'));
    await new Promise((resolve) => taken.close(resolve));
  });
});

test('a peer that is called in vain is told as unreachable, one that is connected is not', async () => {
  await withHosts([50, 51, 52], async (...hosts) => {
    const [a, b, c] = hosts as [Host, Host, Host];
    const unreachable: string[] = [];
    a.onConnection({ connected() {}, disconnected() {}, unreachable: (peer) => unreachable.push(peer) });
    await connect(a, b);
    await connect(a, c);
    await b.stop();
    await until(() => !a.connected().includes(b.peerId));
    const cid = nodeCid(Uint8Array.of(1));
    // c serves nothing: its answer is that it does not speak the method.
    for (const peer of [b.peerId, c.peerId]) await assert.rejects(a.client.manifest(peer, cid), RequestError);
    await assert.rejects(a.client.manifest(b.peerId, cid, AbortSignal.abort()), RequestError);
    assert.deepEqual(unreachable, [b.peerId]);
  });
});

function routingTableSize(host: Host): number {
  const dht = host.libp2p.services.dht as unknown as { routingTable: { size: number } };
  return dht.routingTable.size;
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../node/clock.ts';
import { identityFromSeed } from '../../../node/identity/identity.ts';
import { parsePeerId, peerIdFromKey } from '../../../node/network/peer-key.ts';
import { Routing, type RoutingOptions } from '../../../node/network/routing.ts';
import { nodeCid } from '../../../protocol/cid.ts';

test('providers are found although their addresses cannot be remembered', async () => {
  const peers = [1, 2].map((i) => peerIdFromKey(identityFromSeed(new Uint8Array(32).fill(i)).publicKey));
  const dht = {
    async *findProviders() {
      yield { name: 'PROVIDER', providers: peers.map((peer) => ({ id: parsePeerId(peer), multiaddrs: [] })) };
    },
  };
  const routing = new Routing({
    dht: dht as unknown as RoutingOptions['dht'],
    peerStore: { merge: async () => Promise.reject(new RangeError('a record of 20000 bytes is not kept')) },
    self: 'self',
    clock: systemClock,
  });
  assert.deepEqual(await Array.fromAsync(routing.findProviders(nodeCid(new Uint8Array(8)))), peers);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../node/log.ts';
import { Connector, type Dialer } from '../../../node/network/connector.ts';
import { parseAddress } from '../../../node/network/libp2p-node.ts';
import { parsePeerId } from '../../../node/network/peer-key.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const ADDRESS = '/ip4/127.0.0.1/tcp/4001';
const PEER = parsePeerId('12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5');

function setUp(connections: number, dial: Dialer['dial']) {
  const clock = new ManualClock();
  const dialed: string[] = [];
  const dialer: Dialer = {
    dial: async (target, options) => {
      dialed.push(target.toString());
      return dial(target, options);
    },
    getConnections: (peer) => (peer === undefined ? new Array(connections).fill({}) : []),
  };
  const unreachable: string[] = [];
  const onUnreachable = (peer: string) => unreachable.push(peer);
  const connector = new Connector({ dialer, bootstrap: [ADDRESS], clock, logger: silentLogger, onUnreachable });
  return { clock, dialed, connector, unreachable };
}

test('calls a bootstrap peer again with growing pauses until it answers, then watches it', async () => {
  let reachable = false;
  const { clock, dialed, connector } = setUp(0, async () => {
    if (!reachable) throw new Error('refused');
  });
  connector.start();
  connector.start();
  await clock.advance(0);
  assert.deepEqual(dialed, [ADDRESS]);
  await clock.advance(500 + 1000 + 2000);
  assert.equal(dialed.length, 4);
  reachable = true;
  await clock.advance(4000);
  assert.equal(dialed.length, 5);
  await clock.advance(10_000);
  assert.equal(dialed.length, 6, 'a lost connection is noticed');
  await connector.stop();
  assert.equal(clock.sleeping, 0);
});

test('tells of a discovered peer that does not answer, not of one it had no time for', async () => {
  const info = { id: PEER, multiaddrs: [parseAddress(ADDRESS)] };
  const refusing = setUp(3, async () => {
    throw new Error('refused');
  });
  refusing.connector.start();
  refusing.connector.discovered(info);
  await refusing.clock.advance(0);
  assert.deepEqual(refusing.unreachable, [PEER.toString()]);
  await refusing.connector.stop();

  const silent = setUp(3, (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject)));
  silent.connector.start();
  silent.connector.discovered(info);
  await silent.connector.stop();
  await silent.clock.advance(0);
  assert.deepEqual(silent.unreachable, []);
});

test('calls discovered peers only while connections are few, and each once at a time', async () => {
  const info = { id: PEER, multiaddrs: [parseAddress(ADDRESS)] };
  const few = setUp(3, () => new Promise(() => {}));
  few.connector.discovered(info);
  assert.deepEqual(few.dialed, [], 'not before start');
  few.connector.start();
  few.connector.discovered(info);
  few.connector.discovered(info);
  few.connector.discovered({ ...info, multiaddrs: [] });
  await few.clock.advance(0);
  assert.equal(few.dialed.filter((target) => target === PEER.toString()).length, 1);
  await few.connector.stop();

  const many = setUp(64, async () => {});
  many.connector.start();
  many.connector.discovered(info);
  await many.clock.advance(0);
  assert.deepEqual(many.dialed, [ADDRESS]);
  await many.connector.stop();
});

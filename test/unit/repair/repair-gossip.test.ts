import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { silentLogger } from '../../../node/log.ts';
import { RepairGossip } from '../../../node/repair/repair-gossip.ts';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { networkId } from '../../../protocol/hash.ts';
import {
  decodeRepairNotice,
  encodeRepairNotice,
  type RepairNotice,
  signRepairNotice,
} from '../../../protocol/repair-notice.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf } from '../../helpers/store-home.ts';

const network = networkId('repair-gossip');
const self = signerOf('self');
const repairer = signerOf('repairer');

function setting() {
  const clock = new ManualClock();
  const heard: RepairNotice[] = [];
  const published: Uint8Array[] = [];
  const pubsub = {
    topicValidators: new Map(),
    subscribe: () => undefined,
    unsubscribe: () => undefined,
    getSubscribers: () => ['somebody'],
    publish: async (_topic: string, bytes: Uint8Array) => void published.push(bytes),
  };
  const gossip = new RepairGossip({
    network,
    signer: self,
    pubsub: pubsub as never,
    clock,
    log: silentLogger,
    onNotice: (notice) => heard.push(notice),
  });
  const notice = (changes: object = {}, signer = repairer) => {
    const times = { issuedAt: clock.now(), expiresAt: clock.now() + 60_000 };
    const about = { root: cidOf('root'), segment: cidOf('segment'), stripes: bitmapOf([0]) };
    const unsigned = { network, repairer: signer.publicKey, kind: 'lease' as const, ...about, ...times, ...changes };
    return encodeRepairNotice(signRepairNotice(unsigned, signer));
  };
  return { clock, gossip, heard, published, notice };
}

describe('notices of repairs', () => {
  test('are told once and forwarded', () => {
    const { gossip, heard, notice } = setting();
    const bytes = notice();
    assert.equal(gossip.judge(bytes, 'peer'), 'accept');
    assert.equal(gossip.judge(bytes, 'peer'), 'ignore');
    assert.equal(heard.length, 1);
  });

  test('what nobody honest sends is refused, what is late is dropped', async () => {
    const { clock, gossip, heard, notice } = setting();
    const old = notice();
    await clock.advance(11 * 60_000);
    const forged = { ...decodeRepairNotice(notice()), kind: 'done' as const };
    const cases = [
      ['reject', Uint8Array.of(1, 2, 3)],
      ['reject', new Uint8Array(5000)],
      ['reject', notice({ network: networkId('elsewhere') })],
      ['reject', encodeRepairNotice(forged)],
      ['ignore', old],
      ['ignore', notice({ issuedAt: clock.now() + 600_000, expiresAt: clock.now() + 700_000 })],
    ] as const;
    for (const [verdict, bytes] of cases) assert.equal(gossip.judge(bytes, 'peer'), verdict);
    assert.deepEqual(heard, []);
  });

  test('one repairer and one forwarder are heard so many times a minute', () => {
    const { gossip, heard, notice } = setting();
    for (let i = 0; i < 70; i++) gossip.judge(notice({ stripes: bitmapOf([i]) }), `peer ${i}`);
    assert.equal(heard.length, 60);
    for (let i = 0; i < 200; i++) gossip.judge(Uint8Array.of(i), 'flooder');
    assert.equal(gossip.judge(notice({}, signerOf('another')), 'flooder'), 'ignore');
  });

  test('its own are published signed, and are no news to itself', async () => {
    const { clock, gossip, heard, published } = setting();
    const about = { root: cidOf('root'), segment: cidOf('segment'), stripes: bitmapOf([3]) };
    const announcement = { ...about, kind: 'lease' as const, expiresAt: clock.now() + 1000 };
    await gossip.announce(announcement);
    assert.equal(published.length, 0, 'not before the start');
    gossip.start();
    await gossip.announce(announcement);
    assert.equal(gossip.judge(published[0] as Uint8Array, 'peer'), 'accept');
    assert.deepEqual(heard, []);
    gossip.stop();
  });
});

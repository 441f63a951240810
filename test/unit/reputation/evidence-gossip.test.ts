import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../node/log.ts';
import { EvidenceGossip } from '../../../node/reputation/evidence-gossip.ts';
import { decodeAccusation, verifyAccusation } from '../../../protocol/accusation.ts';
import { networkId, networkPrefix } from '../../../protocol/hash.ts';
import { topicName } from '../../../protocol/topics.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { signerOf } from '../../helpers/signers.ts';

const network = networkId('gossip');
const TOPIC = topicName('evidence', networkPrefix(network));
const signer = signerOf('auditor');
const bundle = (n: number) => Uint8Array.of(n);

function gossipOn(clock: ManualClock) {
  const sent: { readonly at: number; readonly data: Uint8Array }[] = [];
  const state = { subscribers: 0, recipients: 1, fails: false };
  const pubsub = {
    topicValidators: new Map(),
    subscribe: () => {},
    getSubscribers: () => Array.from({ length: state.subscribers }),
    publish: async (_: string, data: Uint8Array) => {
      if (state.fails) throw new Error('no');
      sent.push({ at: clock.monotonic(), data });
      return { recipients: Array.from({ length: state.recipients }) };
    },
  };
  const judged: [number, string][] = [];
  const gossip = new EvidenceGossip({
    network,
    signer,
    gate: {
      judge: async (data, from) => {
        judged.push([data.length, from]);
        return 'reject';
      },
    },
    pubsub: pubsub as never,
    clock,
    log: silentLogger,
  });
  return { gossip, sent, state, pubsub, judged };
}

test('what was found waits until somebody listens, is signed then, and goes out one a second', async () => {
  const clock = new ManualClock();
  const { gossip, sent, state } = gossipOn(clock);
  gossip.publish(bundle(1));
  gossip.start();
  gossip.publish(bundle(2));
  await clock.advance(60_000);
  assert.equal(sent.length, 0);
  state.subscribers = 1;
  state.recipients = 0;
  await clock.advance(5_000);
  assert.equal(sent.length, 1);
  state.recipients = 1;
  await clock.advance(10_000);
  // The first was heard by nobody and is sent again.
  const bundles = sent.map(({ data }) => decodeAccusation(data).bundle[0]);
  assert.deepEqual(bundles, [1, 1, 2]);
  assert.equal((sent[2]?.at ?? 0) - (sent[1]?.at ?? 0), 1000);
  const last = decodeAccusation(sent[2]?.data as Uint8Array);
  assert.ok(verifyAccusation(last));
  assert.deepEqual(last.accuser, signer.publicKey);
  await gossip.stop();
});

test('it gives up after an hour, on failures, and beyond what may wait', async () => {
  const clock = new ManualClock();
  const { gossip, sent, state } = gossipOn(clock);
  gossip.start();
  gossip.publish(bundle(1));
  await clock.advance(2 * 60 * 60_000);
  state.subscribers = 1;
  await clock.advance(10_000);
  assert.equal(sent.length, 0);
  state.fails = true;
  gossip.publish(bundle(2));
  await clock.advance(10_000);
  state.fails = false;
  state.subscribers = 0;
  for (let i = 0; i < 300; i++) gossip.publish(bundle(i % 256));
  state.subscribers = 1;
  await clock.advance(400_000);
  assert.equal(sent.length, 256);
  await gossip.stop();
});

test('messages are judged with the peer that forwarded them, while it runs', async () => {
  const clock = new ManualClock();
  const { gossip, pubsub, judged } = gossipOn(clock);
  gossip.start();
  const validate = pubsub.topicValidators.get(TOPIC);
  assert.equal(await validate({ toString: () => 'forwarder' }, { data: bundle(7) }), 'reject');
  assert.deepEqual(judged, [[1, 'forwarder']]);
  await gossip.stop();
  assert.equal(pubsub.topicValidators.size, 0);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../node/log.ts';
import { RequestError } from '../../../node/network/errors.ts';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { EvidenceInquiry } from '../../../node/reputation/evidence-inquiry.ts';
import { networkId } from '../../../protocol/hash.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { signerOf } from '../../helpers/signers.ts';

const peer = (name: string) => peerIdFromKey(signerOf(name).publicKey);
const SELF = peer('self');
const OTHERS = ['a', 'b', 'c', 'd', 'e'].map(peer);
const CANDIDATE = peer('candidate');
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

function inquiryOn(clock: ManualClock, answer: (from: string) => Uint8Array[] = () => []) {
  const asked: [from: string, about: string][] = [];
  const connected = { now: [SELF, CANDIDATE, ...OTHERS] };
  const inquiry = new EvidenceInquiry({
    self: SELF,
    network: networkId('inquiry'),
    client: {
      async evidence(from, about) {
        asked.push([from, peerIdFromKey(about)]);
        if (from === OTHERS[4]) throw RequestError.of(from, 'evidence', { code: 'closed-early' }, 'gone');
        return { bundles: answer(from), more: false };
      },
    },
    connected: () => connected.now,
    intake: { take: async () => {} },
    checker: { prove: async () => {} },
    clock,
    log: silentLogger,
  });
  return { inquiry, asked, connected };
}

test('three others are asked about a new candidate, once a day, never about this node nor the candidate itself', async () => {
  const clock = new ManualClock();
  const { inquiry, asked } = inquiryOn(clock);
  inquiry.start();
  inquiry.candidate(SELF);
  for (let i = 0; i < 3; i++) {
    inquiry.candidate(CANDIDATE);
    await clock.advance(MINUTE);
  }
  assert.equal(asked.length, 3);
  assert.ok(asked.every(([from, about]) => about === CANDIDATE && OTHERS.includes(from)));
  await clock.advance(DAY);
  inquiry.candidate(CANDIDATE);
  await clock.advance(MINUTE);
  assert.equal(asked.length, 6);
  await inquiry.stop();
});

test('a candidate that nobody could be asked about is asked about when somebody is there', async () => {
  const clock = new ManualClock();
  const { inquiry, asked, connected } = inquiryOn(clock);
  connected.now = [CANDIDATE];
  inquiry.start();
  inquiry.candidate(CANDIDATE);
  await clock.advance(MINUTE);
  assert.equal(asked.length, 0);
  connected.now = [CANDIDATE, ...OTHERS.slice(0, 1)];
  inquiry.candidate(CANDIDATE);
  await clock.advance(MINUTE);
  assert.equal(asked.length, 1);
  await inquiry.stop();
});

test('who shows what is no evidence is asked no more', async () => {
  const clock = new ManualClock();
  const { inquiry, asked, connected } = inquiryOn(clock, () => [Uint8Array.of(1, 2, 3)]);
  connected.now = OTHERS.slice(0, 1);
  inquiry.start();
  for (const name of ['x', 'y', 'z']) {
    inquiry.candidate(peer(name));
    await clock.advance(MINUTE);
  }
  assert.equal(asked.length, 1);
  await inquiry.stop();
});

test('candidates that wait are bounded, and served five seconds apart', async () => {
  const clock = new ManualClock();
  const { inquiry, asked, connected } = inquiryOn(clock);
  connected.now = OTHERS.slice(0, 1);
  for (let i = 0; i < 300; i++) inquiry.candidate(peer(`candidate ${i}`));
  inquiry.start();
  await clock.advance(50_500);
  assert.equal(asked.length, 10);
  await clock.advance(1_300_000);
  assert.equal(asked.length, 256);
  await inquiry.stop();
});

test('how this node is seen is asked of eight at most, whatever some of them do', async () => {
  const clock = new ManualClock();
  const { inquiry, asked } = inquiryOn(clock);
  assert.deepEqual(await inquiry.howSeen(new AbortController().signal), []);
  assert.equal(asked.length, 6);
  assert.ok(asked.every(([, about]) => about === SELF));
});

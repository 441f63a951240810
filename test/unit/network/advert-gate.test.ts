import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdvertGate } from '../../../node/network/advert-gate.ts';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { networkId } from '../../../protocol/hash.ts';
import { encodeAdvert, signAdvert, type UnsignedAdvert } from '../../../protocol/hello.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { signerOf } from '../../helpers/signers.ts';

const network = networkId('test');
const alice = signerOf('alice');
const aliceId = peerIdFromKey(alice.publicKey);
const self = peerIdFromKey(signerOf('self').publicKey);

function setUp() {
  const clock = new ManualClock();
  const advert = (change: Partial<UnsignedAdvert> = {}, signer = alice) =>
    signAdvert(
      {
        network,
        peer: signer.publicKey,
        issuedAt: clock.now(),
        agent: 'test/1',
        capacity: 10,
        free: 5,
        region: '',
        services: [],
        addresses: [],
        ...change,
      },
      signer,
    );
  return { clock, gate: new AdvertGate(network, self, clock), advert };
}

test('forwards one advert of a peer per minute', async () => {
  const { clock, gate, advert } = setUp();
  assert.equal(gate.judge(encodeAdvert(advert())).verdict, 'accept');
  await clock.advance(30_000);
  assert.equal(gate.judge(encodeAdvert(advert())).verdict, 'ignore');
  assert.equal(gate.judge(encodeAdvert(advert({}, signerOf('bob')))).verdict, 'accept', 'another peer');
  await clock.advance(30_000);
  assert.equal(gate.judge(encodeAdvert(advert())).verdict, 'accept');
});

test('a replayed advert is not forwarded again, even after the minute', async () => {
  const { clock, gate, advert } = setUp();
  const bytes = encodeAdvert(advert());
  gate.judge(bytes);
  await clock.advance(61_000);
  assert.equal(gate.judge(bytes).verdict, 'ignore');
});

test('a greeting does not use up the minute, and an older gossip is forwarded but not news', async () => {
  const { clock, gate, advert } = setUp();
  const gossiped = encodeAdvert(advert());
  await clock.advance(1000);
  const greeting = gate.judge(encodeAdvert(advert()), aliceId);
  assert.ok(greeting.verdict === 'accept' && greeting.newest);
  const late = gate.judge(gossiped);
  assert.ok(late.verdict === 'accept' && !late.newest);
  assert.equal(gate.judge(gossiped, aliceId).verdict, 'ignore', 'an older greeting');
});

test('what is late, early or our own is nobody’s fault', async () => {
  const { clock, gate, advert } = setUp();
  assert.equal(gate.judge(encodeAdvert(advert({ issuedAt: clock.now() - 301_000 }))).verdict, 'ignore');
  assert.equal(gate.judge(encodeAdvert(advert({ issuedAt: clock.now() + 121_000 }))).verdict, 'ignore');
  assert.equal(gate.judge(encodeAdvert(advert({ issuedAt: clock.now() + 119_000 }))).verdict, 'accept');
  assert.equal(gate.judge(encodeAdvert(advert({}, signerOf('self')))).verdict, 'ignore');
});

test('forged, foreign, oversize and malformed adverts are rejected and change nothing', () => {
  const { gate, advert } = setUp();
  const good = advert();
  const bad = {
    'changed after signing': encodeAdvert({ ...good, free: 6 }),
    'of another network': encodeAdvert(advert({ network: networkId('other') })),
    oversize: new Uint8Array(4097),
    garbage: Uint8Array.of(1, 2, 3),
    empty: new Uint8Array(0),
  };
  for (const [name, bytes] of Object.entries(bad)) assert.equal(gate.judge(bytes).verdict, 'reject', name);
  assert.equal(gate.judge(encodeAdvert(good), peerIdFromKey(signerOf('bob').publicKey)).verdict, 'reject', 'borrowed');
  assert.equal(gate.judge(encodeAdvert(good)).verdict, 'accept');
});

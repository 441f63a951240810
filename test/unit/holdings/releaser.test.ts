import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Releaser } from '../../../node/holdings/releaser.ts';
import { silentLogger } from '../../../node/log.ts';
import { RequestError, type RequestFailure } from '../../../node/network/errors.ts';
import { type Release, verifyRelease } from '../../../protocol/release.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf } from '../../helpers/store-home.ts';

const network = new Uint8Array(32).fill(7);
const owner = signerOf('owner');
const ROOT = cidOf('object');

function releaser() {
  const clock = new ManualClock();
  const queue = new Map<string, Release>();
  /** What the holder answers; absent: it takes the release. */
  const failures = new Map<string, RequestFailure>();
  const sent: string[] = [];
  const issued: number[] = [];
  /** Who else says to hold the object. */
  const others: string[] = [];
  const searched: string[] = [];
  const made = new Releaser({
    self: 'me',
    async search(root) {
      searched.push(root.toString());
      return others;
    },
    network,
    signer: owner,
    clock,
    log: silentLogger,
    client: {
      async release(peer) {
        sent.push(peer);
        const failure = failures.get(peer);
        if (failure !== undefined) throw RequestError.of(peer, 'release', failure, 'no');
      },
    },
    releases: {
      async queue(release, holders) {
        for (const holder of holders) queue.set(holder, release);
      },
      async *queued(holder) {
        for (const [peer, release] of [...queue]) {
          if (holder === undefined || holder === peer) yield { holder: peer, release };
        }
      },
      async confirmed(holder) {
        queue.delete(holder);
      },
    },
    onIssued: (_release, holders) => issued.push(holders),
  });
  /** For whom a release waits; the search for others is not among them. */
  const waiting = () => [...queue.keys()].filter((peer) => peer !== 'me');
  return { made, clock, queue, waiting, failures, sent, issued, others, searched };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a release is signed, queued before it is sent, and confirmed holder by holder', async () => {
  const { made, queue, waiting, failures, issued } = releaser();
  failures.set('away', { code: 'dial-failed' });
  assert.deepEqual(await made.release(ROOT, ['here', 'away']), { released: 1, queued: 1 });
  assert.deepEqual(issued, [2]);
  assert.deepEqual(waiting(), ['away']);
  const release = queue.get('away') as Release;
  assert.ok(verifyRelease(release) && release.root.equals(ROOT));
});

test('what is queued waits for nobody: sent in the background, or to those who connect after the start', async () => {
  const { made, clock, waiting, sent, issued, searched } = releaser();
  await made.enqueue(ROOT, ['early']);
  assert.deepEqual([waiting(), sent], [['early'], []]);
  await made.start();
  made.connected('early');
  await settled();
  assert.deepEqual([waiting(), sent], [[], ['early']]);
  await made.enqueue(ROOT, ['late']);
  await made.stop();
  assert.deepEqual([waiting(), sent, issued], [[], ['early', 'late'], [1, 1]]);
  assert.equal(searched.length, 1);
  assert.equal(clock.sleeping, 0);
});

test('a holder that was away is told later: when it connects, or in time', async () => {
  const { made, clock, waiting, failures, sent } = releaser();
  for (const peer of ['x', 'y']) failures.set(peer, { code: 'dial-failed' });
  await made.start();
  await made.release(ROOT, ['x', 'y']);
  failures.clear();
  made.connected('x');
  await settled();
  assert.deepEqual(waiting(), ['y']);
  await clock.advance(10 * 60_000);
  assert.deepEqual(waiting(), []);
  assert.deepEqual(sent, ['x', 'y', 'x', 'y']);
  await made.stop();
  assert.equal(clock.sleeping, 0);
});

test('a holder that refuses for good is not asked again; one that fails is', async () => {
  const { made, waiting, failures } = releaser();
  const fault = { code: 'not-owner', message: 'no' };
  failures.set('refuses', { code: 'refused-not-allowed', fault });
  failures.set('fails', { code: 'refused-internal' });
  await made.release(ROOT, ['refuses', 'fails']);
  assert.deepEqual(waiting(), ['fails']);
});

test('many holders are all asked', async () => {
  const { made, waiting } = releaser();
  const holders = Array.from({ length: 21 }, (_, i) => `holder ${i}`);
  assert.deepEqual(await made.release(ROOT, holders), { released: 21, queued: 0 });
  assert.deepEqual(waiting(), []);
});

const DAY = 24 * 60 * 60_000;

test('holders that the owner has no receipt of are searched for, at once and every day, and told too', async () => {
  const { made, clock, waiting, failures, sent, others, searched } = releaser();
  await made.start();
  others.push('known', 'new');
  failures.set('new', { code: 'dial-failed' });
  assert.deepEqual(await made.release(ROOT, ['known']), { released: 1, queued: 0 });
  await settled();
  assert.deepEqual(sent, ['known', 'new']);
  assert.deepEqual([waiting(), searched.length], [['new'], 1]);
  failures.clear();
  await clock.advance(10 * 60_000);
  assert.deepEqual([waiting(), searched.length], [[], 1]);
  // Somebody was at it when the release came.
  others.push('late');
  await clock.advance(DAY);
  assert.equal(searched.length, 2);
  assert.ok(sent.includes('late'));
  await made.stop();
});

test('the search goes on after a restart, and ends when no promise to a stranger can be left', async () => {
  const { made, clock, queue, searched } = releaser();
  await made.release(ROOT, []);
  assert.equal(searched.length, 0);
  await made.start();
  await clock.advance(10 * 60_000);
  assert.equal(searched.length, 1);
  await clock.advance(40 * DAY);
  const count = searched.length;
  assert.ok(count > 30 && count < 40, String(count));
  assert.equal(queue.size, 0);
  await clock.advance(10 * DAY);
  assert.equal(searched.length, count);
  await made.stop();
});

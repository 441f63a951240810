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
  const made = new Releaser({
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
  return { made, clock, queue, failures, sent, issued };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a release is signed, queued before it is sent, and confirmed holder by holder', async () => {
  const { made, queue, failures, issued } = releaser();
  failures.set('away', { code: 'dial-failed' });
  assert.deepEqual(await made.release(ROOT, ['here', 'away']), { released: 1, queued: 1 });
  assert.deepEqual(issued, [2]);
  const [[holder, release]] = [...queue] as [[string, Release]];
  assert.equal(holder, 'away');
  assert.ok(verifyRelease(release) && release.root.equals(ROOT));
});

test('a holder that was away is told later: when it connects, or in time', async () => {
  const { made, clock, queue, failures, sent } = releaser();
  for (const peer of ['x', 'y']) failures.set(peer, { code: 'dial-failed' });
  await made.start();
  await made.release(ROOT, ['x', 'y']);
  failures.clear();
  made.connected('x');
  await settled();
  assert.deepEqual([...queue.keys()], ['y']);
  await clock.advance(10 * 60_000);
  assert.deepEqual([...queue.keys()], []);
  assert.deepEqual(sent, ['x', 'y', 'x', 'y']);
  await made.stop();
  assert.equal(clock.sleeping, 0);
});

test('a holder that refuses for good is not asked again; one that fails is', async () => {
  const { made, queue, failures } = releaser();
  const fault = { code: 'not-owner', message: 'no' };
  failures.set('refuses', { code: 'refused-not-allowed', fault });
  failures.set('fails', { code: 'refused-internal' });
  await made.release(ROOT, ['refuses', 'fails']);
  assert.deepEqual([...queue.keys()], ['fails']);
});

test('many holders are all asked', async () => {
  const { made, queue } = releaser();
  const holders = Array.from({ length: 21 }, (_, i) => `holder ${i}`);
  assert.deepEqual(await made.release(ROOT, holders), { released: 21, queued: 0 });
  assert.equal(queue.size, 0);
});

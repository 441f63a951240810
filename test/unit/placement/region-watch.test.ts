import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RegionWatch } from '../../../node/placement/region-watch.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const DAY_MS = 24 * 60 * 60_000;

function watch() {
  const clock = new ManualClock();
  const peers = new Map<string, number | undefined>();
  const regions = new Map<string, string>();
  const watched = new RegionWatch({
    ownRegion: 'eu',
    connected: () => [...peers].map(([peer, rttMs]) => (rttMs === undefined ? { peer } : { peer, rttMs })),
    declared: (peer) => regions.get(peer),
    clock,
  });
  const sample = (...times: number[]) => {
    for (const time of times) {
      peers.set('a', time);
      watched.sample();
    }
  };
  return { clock, peers, regions, watched, sample };
}

test('the smallest of several measurements counts', () => {
  const { watched, regions, sample, peers } = watch();
  regions.set('a', 'eu');
  sample(300, 90);
  assert.equal(watched.fastest('a'), undefined, 'two are too few');
  assert.equal(watched.doubts('a', 'eu'), false);
  sample(250);
  assert.equal(watched.fastest('a'), 90);
  assert.equal(watched.doubts('a', 'eu'), true);
  assert.equal(watched.doubts('a', 'us'), false, 'a new declaration is a new question');
  sample(20);
  assert.equal(watched.doubts('a', 'eu'), false);
  peers.set('b', undefined);
  sample(20);
  assert.equal(watched.fastest('b'), undefined);
});

test('a peer that moved is judged by where it is, after two days at most', async () => {
  const { clock, watched, regions, sample } = watch();
  regions.set('a', 'eu');
  sample(20, 20, 20);
  await clock.advance(DAY_MS);
  sample(150, 150, 150);
  assert.deepEqual([watched.fastest('a'), watched.doubts('a', 'eu')], [20, false]);
  await clock.advance(DAY_MS);
  sample(150);
  assert.deepEqual([watched.fastest('a'), watched.doubts('a', 'eu')], [150, true]);
});

test('it measures while it runs, and not after', async () => {
  const { clock, watched, peers } = watch();
  peers.set('a', 5);
  watched.start();
  watched.start();
  await clock.advance(60_000);
  assert.equal(watched.fastest('a'), 5);
  await watched.stop();
  assert.equal(clock.sleeping, 0);
  peers.set('a', 1);
  await clock.advance(60_000);
  assert.equal(watched.fastest('a'), 5);
  await watched.stop();
});

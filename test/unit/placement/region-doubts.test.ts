import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type RegionObservation, regionDoubts } from '../../../node/placement/region-doubts.ts';

const region = (name: string, times: readonly number[]): RegionObservation[] =>
  times.map((rttMs, i) => ({ peer: `${name}-${i}`, region: name, rttMs }));
const doubted = (own: string, observations: readonly RegionObservation[]) => [
  ...regionDoubts(own, observations).keys(),
];

test('our own region ends where light and cables cannot explain the time any more', () => {
  assert.deepEqual(doubted('eu', region('eu', [1, 60, 61, 200])), ['eu-2', 'eu-3']);
  assert.deepEqual(doubted('', region('eu', [1, 60, 61, 200])), [], 'who has no region knows none');
});

test('a peer next door is in no other region', () => {
  assert.deepEqual(doubted('eu', region('us', [0, 1.9, 2, 90])), ['us-0', 'us-1']);
  assert.deepEqual(doubted('', region('us', [0])), []);
  assert.deepEqual(doubted('eu', region('', [0, 500])), [], 'who declares nothing claims nothing');
});

test('a peer far from the others of its region, or much nearer, is doubted; the others are not', () => {
  const asia = [150, 155, 160, 170, 180];
  assert.deepEqual(doubted('eu', region('ap', [...asia, 25])), ['ap-5']);
  assert.deepEqual(doubted('eu', region('ap', [...asia, 600])), ['ap-5']);
  assert.deepEqual(doubted('eu', region('ap', [...asia, 40])), [], 'within what detours explain');
  assert.deepEqual(doubted('eu', region('ap', [150, 155, 160, 25])), [], 'three others are too few');
});

test('the doubt is about the region that was declared', () => {
  assert.deepEqual([...regionDoubts('eu', region('us', [1]))], [['us-0', 'us']]);
});

test('honest peers of one region, 2,000 km wide and with up to double detours, are never doubted', () => {
  const distance = fc.integer({ min: 0, max: 15_000 });
  const members = fc.array(
    fc.record({
      offset: fc.double({ min: 0, max: 2000, noNaN: true }),
      detour: fc.double({ min: 1, max: 2, noNaN: true }),
    }),
    { minLength: 1, maxLength: 12 },
  );
  fc.assert(
    fc.property(distance, members, (km, list) => {
      const times = list.map(({ offset, detour }) => (detour * (km + offset)) / 100);
      assert.deepEqual(doubted('', region('far', times)), []);
      const near = list.map(({ offset, detour }) => (detour * offset) / 100);
      assert.deepEqual(doubted('near', region('near', near)), []);
    }),
  );
});

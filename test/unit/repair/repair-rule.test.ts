import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isGone, type RepairNeed, repairNeed, repairThreshold } from '../../../node/repair/repair-rule.ts';
import { lostShards, type StripeCounts } from '../../../node/repair/stripe-state.ts';

const counts = fc
  .record({ needed: fc.integer({ min: 1, max: 20 }), parity: fc.nat({ max: 10 }) })
  .chain(({ needed, parity }) =>
    fc.tuple(fc.nat({ max: needed + parity }), fc.nat(), fc.nat()).map(([healthy, a, b]): StripeCounts => {
      const expected = needed + parity;
      return {
        needed,
        expected,
        healthy,
        clumped: healthy === 0 ? 0 : a % healthy,
        suspected: b % (expected - healthy + 1),
      };
    }),
  );
const choice = fc.oneof(fc.constant('auto' as const), fc.nat({ max: 12 }));

describe('threshold of repair', () => {
  const cases: readonly [k: number, m: number, choice: 'auto' | number, expected: number][] = [
    [4, 2, 'auto', 5],
    [8, 4, 'auto', 10],
    [20, 10, 'auto', 25],
    [2, 1, 'auto', 3],
    [1, 0, 'auto', 1],
    [8, 4, 0, 11],
    [8, 4, 1, 10],
    [8, 4, 3, 8],
    [8, 4, 40, 8],
  ];
  for (const [k, m, choice, expected] of cases) {
    test(`${k}+${m} with ${choice}: ${expected}`, () =>
      assert.equal(repairThreshold({ needed: k, expected: k + m }, choice), expected));
  }
});

describe('what a stripe needs', () => {
  const whole = { needed: 8, expected: 12, healthy: 12, clumped: 0, suspected: 0 };
  const cases: readonly [name: string, counts: StripeCounts, expected: RepairNeed][] = [
    ['nothing', whole, 'none'],
    ['one lost is above the threshold', { ...whole, healthy: 11 }, 'none'],
    ['two lost', { ...whole, healthy: 10 }, 'repair'],
    ['two away', { ...whole, healthy: 10, suspected: 2 }, 'none'],
    ['one lost, one away', { ...whole, healthy: 10, suspected: 1 }, 'none'],
    ['one lost, one clumped', { ...whole, healthy: 11, clumped: 1 }, 'repair'],
    ['one clumped', { ...whole, clumped: 1 }, 'spread'],
    ['k left', { ...whole, healthy: 8 }, 'repair'],
    ['k − 1 left, one away', { ...whole, healthy: 7, suspected: 1 }, 'wait'],
    ['k − 1 left', { ...whole, healthy: 7 }, 'impossible'],
  ];
  for (const [name, given, expected] of cases) test(name, () => assert.equal(repairNeed(given, 'auto'), expected));

  test('nothing is repaired that is whole, or that cannot be', () => {
    fc.assert(
      fc.property(counts, choice, (given, threshold) => {
        const need = repairNeed(given, threshold);
        if (need === 'repair') assert.ok(lostShards(given) > 0 && given.healthy >= given.needed);
        assert.equal(need === 'impossible' || need === 'wait', given.healthy < given.needed);
        if (need === 'impossible') assert.ok(given.healthy + given.suspected < given.needed);
      }),
    );
  });

  test('where nothing more may be lost and something is, it is repaired, whatever the choice', () => {
    fc.assert(
      fc.property(counts, choice, (given, threshold) => {
        const last = { ...given, healthy: given.needed, suspected: 0, clumped: 0 };
        if (lostShards(last) > 0) assert.equal(repairNeed(last, threshold), 'repair');
      }),
    );
  });

  test('one more loss never makes a repair unnecessary', () => {
    fc.assert(
      fc.property(counts, choice, (given, threshold) => {
        if (repairNeed(given, threshold) !== 'repair' || given.healthy === given.needed) return;
        const worse = { ...given, healthy: given.healthy - 1, clumped: Math.min(given.clumped, given.healthy - 1) };
        assert.equal(repairNeed(worse, threshold), 'repair');
      }),
    );
  });
});

test('a holder is gone when its grace is over', () => {
  assert.equal(isGone(1_000, 1_999, 1_000), false);
  assert.equal(isGone(1_000, 2_000, 1_000), true);
});

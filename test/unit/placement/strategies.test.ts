import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { drawIndex, limitNewcomers, strategyOf } from '../../../node/placement/strategies.ts';
import { anyCandidates, anyStrategy, candidate } from '../../helpers/candidates.ts';

const none = () => 0;
const near = (actual: readonly number[], expected: readonly number[]) => {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of actual.entries()) assert.ok(Math.abs(value - (expected[i] as number)) < 1e-12, `${actual}`);
};
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

test('the draw follows the weights', () => {
  const weights = [1, 2, 5, 0.5, 1.5];
  const counts = weights.map(() => 0);
  const steps = 10_000;
  for (let i = 0; i < steps; i++) {
    const index = drawIndex(weights, (i + 0.5) / steps);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  // A regular grid over [0, 1) hits each interval in proportion to its length.
  assert.deepEqual(
    counts,
    weights.map((weight) => (weight / 10) * steps),
  );
  assert.equal(drawIndex([1, 1], 1 - Number.EPSILON / 2), 1);
  assert.equal(drawIndex([0, 1, 0], 1), 1, 'without weight nobody is drawn');
});

test('weights are one per candidate, positive and finite', () => {
  fc.assert(
    fc.property(anyCandidates, anyStrategy, fc.nat(5), (candidates, name, held) => {
      const weights = strategyOf(name)(candidates, () => held);
      assert.equal(weights.length, candidates.length);
      for (const weight of weights) assert.ok(weight > 0 && Number.isFinite(weight));
    }),
  );
});

test('free space is capped, and never counts for nothing', () => {
  const honest = Array.from({ length: 9 }, (_, i) => candidate(String(i), { free: 1000 }));
  const shares = strategyOf('load')([...honest, candidate('hoarder', { free: 1e15 })], none);
  assert.equal(shares.at(-1), 1);
  assert.equal(shares[0], 0.25, 'a declared petabyte counts for no more than four times the median');
  near(strategyOf('load')([candidate('a', { free: 1000 }), candidate('b', { free: 1 })], none), [1, 0.01]);
});

test('reputation and hybrid count reputation as configured', () => {
  const pair = [candidate('a', { reputation: 1 }), candidate('b', { reputation: 0.3, free: 500 })];
  near(strategyOf('reputation')(pair, none), [1, 0.3]);
  near(strategyOf('hybrid')(pair, none), [1, 0.38]);
  near(strategyOf('hybrid', { reputation: 0, freeSpace: 1 })(pair, none), [1, 0.5]);
  near(strategyOf('hybrid', { reputation: 0, freeSpace: 0 })(pair, none), [0.01, 0.01]);
  near(strategyOf('random')(pair, none), [1, 1]);
});

test('geographic gives regions equal shares, fewer to those that have holders, and none too much', () => {
  const geographic = strategyOf('geographic');
  const six = ['eu', 'eu', 'eu', 'eu', 'us', 'us'].map((region, i) =>
    candidate(String(i), { region, free: i === 0 ? 2000 : 1000 }),
  );
  const weights = geographic(six, none);
  near([sum(weights.slice(0, 4)), sum(weights.slice(4))], [1, 1]);
  near([(weights[0] as number) / (weights[1] as number)], [2]);
  const later = geographic(six, (region) => (region === 'eu' ? 2 : 0));
  near([sum(later.slice(0, 4)), sum(later.slice(4))], [1 / 3, 1]);
  // Twenty in one region, one alone in another: the mean is 2/21.
  const crowd = Array.from({ length: 20 }, (_, i) => candidate(String(i), { region: 'eu' }));
  near([geographic([...crowd, candidate('20', { region: 'made-up' })], none).at(-1) as number], [8 / 21]);
});

test('newcomers together have at most their share of the chances, and what they had when that is less', () => {
  fc.assert(
    fc.property(anyCandidates, anyStrategy, fc.double({ min: 0, max: 1, noNaN: true }), (candidates, name, share) => {
      const before = strategyOf(name)(candidates, none);
      const after = limitNewcomers(candidates, before, share);
      const of = (weights: readonly number[]) => sum(weights.filter((_, i) => candidates[i]?.vetted === false));
      if (candidates.every(({ vetted }) => !vetted)) return assert.deepEqual(after, before);
      const had = of(before) / sum(before);
      assert.ok(Math.abs(of(after) / sum(after) - Math.min(had, share)) < 1e-9);
    }),
  );
});

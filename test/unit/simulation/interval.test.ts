import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binomialInterval, designEffect } from '../../../node/simulation/interval.ts';
import { lossProbability } from '../../../node/simulation/markov.ts';

const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.abs(expected), `${actual} for ${expected}`);

/** P(X ≤ x) of X ~ Binomial(n, p), summed term by term. */
function binomialCdf(x: number, n: number, p: number): number {
  let term = (1 - p) ** n;
  let sum = term;
  for (let i = 1; i <= x; i++) {
    term *= ((n - i + 1) / i) * (p / (1 - p));
    sum += term;
  }
  return sum;
}

test('Clopper and Pearson: at its ends what was seen is as rare as the confidence says', () => {
  for (const [events, trials, confidence] of [
    [1, 10, 0.95],
    [7, 50, 0.95],
    [30, 200, 0.99],
  ] as const) {
    const { lower, upper } = binomialInterval(events, trials, confidence);
    close(1 - binomialCdf(events - 1, trials, lower), (1 - confidence) / 2, 1e-6);
    close(binomialCdf(events, trials, upper), (1 - confidence) / 2, 1e-6);
  }
  // Without an event: the rule of three, exactly.
  close(binomialInterval(0, 100_000, 0.95).upper, 1 - 0.025 ** (1 / 100_000), 1e-6);
  assert.deepEqual(binomialInterval(10, 10, 0.95).upper, 1);
});

test('a design effect widens the interval as fewer trials would', () => {
  const narrow = binomialInterval(100, 1000, 0.95);
  const wide = binomialInterval(100, 1000, 0.95, 4);
  assert.deepEqual(wide, binomialInterval(25, 250, 0.95));
  assert.ok(wide.lower < narrow.lower && wide.upper > narrow.upper);
  for (const wrong of [
    [1, 0, 0.95],
    [11, 10, 0.95],
    [1, 10, 1],
    [1, 10, 0.95, 0.5],
  ] as const) {
    assert.throws(() => binomialInterval(...(wrong as readonly [number, number, number])), RangeError);
  }
});

test('design effect: 1 for stripes that share no node, the size of the clusters for those that die together', () => {
  assert.equal(designEffect(4, 2, [1, 1, 1, 1], [1, 1, 0, 0]), 1);
  assert.equal(designEffect(10, 0, [10], [0]), 1);
  // 100 nodes of 10 stripes each; those of 20 nodes are lost as a whole: the variance is 10-fold.
  const held = Array<number>(100).fill(10);
  const lost = held.map((_, node) => (node < 20 ? 10 : 0));
  close(designEffect(1000, 200, held, lost), 1 + 9 * ((0.2 - 0.04) / (0.2 * 0.8)), 1e-9);
});

test('Markov chain without repair: the binomial distribution', () => {
  for (const [needed, total, time] of [
    [2, 4, 0.5],
    [8, 12, 0.1],
    [20, 30, 2],
  ] as const) {
    const chain = { needed, total, failureRate: 1, threshold: -1, repairRate: 0, time };
    close(lossProbability(chain), binomialCdf(needed - 1, total, Math.exp(-time)), 1e-10);
  }
});

test('Markov chain of two copies with repair: the solution of its differential equations', () => {
  const [a, b, time] = [0.3, 2, 3];
  // Both there or one: x' = −2a·x + b·y, y' = 2a·x − (a + b)·y; loss = 1 − x − y.
  const chain = { needed: 1, total: 2, failureRate: a, threshold: 1, repairRate: b, time };
  const [sum, root] = [3 * a + b, Math.sqrt((3 * a + b) ** 2 - 8 * a * a)];
  const [s1, s2] = [(-sum + root) / 2, (-sum - root) / 2];
  const survival = (s1 * Math.exp(s2 * time) - s2 * Math.exp(s1 * time)) / (s1 - s2);
  close(lossProbability(chain), 1 - survival, 1e-9);
});

test('Markov chain: rare losses keep their digits, none is none, repair helps', () => {
  const chain = { needed: 8, total: 12, failureRate: 1e-6, threshold: -1, repairRate: 0, time: 1 };
  // To first order C(12, 5)·(λt)⁵.
  close(lossProbability(chain), 792 * 1e-30, 1e-4);
  assert.equal(lossProbability({ ...chain, failureRate: 0 }), 0);
  assert.equal(lossProbability({ ...chain, time: 0 }), 0);
  const harsh = { ...chain, failureRate: 0.1, time: 100 };
  close(lossProbability(harsh), 1, 1e-6);
  const repaired = lossProbability({ ...harsh, threshold: 10, repairRate: 10 });
  assert.ok(repaired > 0 && repaired < 0.2, String(repaired));
  assert.ok(lossProbability({ ...harsh, threshold: 11, repairRate: 10 }) < repaired);
});

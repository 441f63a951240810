import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { betaQuantile, regularizedBeta } from '../../../node/reputation/beta.ts';

const close = (actual: number, expected: number, tolerance: number, what: string) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual} instead of ${expected}`);

/** I_x(a, b) for whole a and b as a binomial tail (DLMF 8.17.5): no series, no logarithm of Γ. */
function binomialTail(x: number, a: number, b: number): number {
  const n = a + b - 1;
  let sum = 0;
  for (let j = a; j <= n; j++) {
    let term = 1;
    for (let i = 1; i <= j; i++) term *= ((n - j + i) / i) * x;
    for (let i = 0; i < n - j; i++) term *= 1 - x;
    sum += term;
  }
  return sum;
}

/** ∫₀ˣ t^(a−1)(1−t)^(b−1) dt / ∫₀¹, by Simpson's rule. */
function integrated(x: number, a: number, b: number): number {
  const density = (t: number) => t ** (a - 1) * (1 - t) ** (b - 1);
  const area = (end: number) => {
    const steps = 20_000;
    const h = end / steps;
    let sum = density(0) + density(end);
    for (let i = 1; i < steps; i++) sum += (i % 2 === 0 ? 2 : 4) * density(i * h);
    return (sum * h) / 3;
  };
  return area(x) / area(1);
}

test('the incomplete beta function is the binomial tail for whole parameters', () => {
  for (const [a, b] of [
    [1, 1],
    [2, 3],
    [5, 1],
    [1, 7],
    [10, 10],
    [40, 3],
    [3, 60],
  ] as const) {
    for (const x of [1e-6, 0.05, 0.3, 0.5, 0.77, 0.999]) {
      close(regularizedBeta(x, a, b), binomialTail(x, a, b), 1e-12, `I_${x}(${a}, ${b})`);
    }
  }
});

test('it is the integral of the density for other parameters', () => {
  for (const [a, b] of [
    [3.5, 3.25],
    [7.1, 4.5],
    [30.2, 5.9],
    [12.75, 80.3],
  ] as const) {
    for (const x of [0.05, 0.2, 0.5, 0.8, 0.95]) {
      close(regularizedBeta(x, a, b), integrated(x, a, b), 1e-9, `I_${x}(${a}, ${b})`);
    }
  }
});

test('quantiles with a closed form', () => {
  for (const p of [0.01, 0.05, 0.5, 0.95]) {
    close(betaQuantile(p, 1, 1), p, 1e-12, 'uniform');
    for (const n of [2, 7.5, 100, 2000]) {
      // I_x(n, 1) = xⁿ and I_x(1, n) = 1 − (1 − x)ⁿ.
      close(betaQuantile(p, n, 1), p ** (1 / n), 1e-11, `Beta(${n}, 1)`);
      close(betaQuantile(p, 1, n), 1 - (1 - p) ** (1 / n), 1e-11, `Beta(1, ${n})`);
    }
    // I_x(2, 2) = 3x² − 2x³.
    const x = betaQuantile(p, 2, 2);
    close(3 * x * x - 2 * x ** 3, p, 1e-12, 'Beta(2, 2)');
  }
  for (const n of [1, 3, 50.5]) close(betaQuantile(0.5, n, n), 0.5, 1e-12, 'a symmetric median');
});

test('published lower limits of Clopper and Pearson (95 % two-sided, from r successes of n)', () => {
  // The lower limit is the 2.5 % quantile of Beta(r, n − r + 1).
  for (const [r, n, lower] of [
    [1, 10, 0.0025],
    [5, 10, 0.1871],
    [9, 10, 0.555],
    [10, 10, 0.6915],
    [15, 20, 0.509],
  ] as const) {
    close(betaQuantile(0.025, r, n - r + 1), lower, 5e-5, `${r} of ${n}`);
  }
});

const parameter = fc.double({ min: 1, max: 5000, noNaN: true });

test('the quantile inverts the function, lies in 0 … 1 and moves with what is observed', () => {
  fc.assert(
    fc.property(parameter, parameter, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (a, b, p) => {
      const x = betaQuantile(p, a, b);
      assert.ok(x > 0 && x < 1);
      close(regularizedBeta(x, a, b), p, 1e-9, `I of the quantile of Beta(${a}, ${b})`);
      assert.ok(betaQuantile(p, a + 1, b) > x);
      assert.ok(betaQuantile(p, a, b + 1) < x);
    }),
    { numRuns: 300 },
  );
});

test('parameters below 1 are refused', () => {
  assert.throws(() => regularizedBeta(0.5, 0.5, 1), RangeError);
  assert.throws(() => regularizedBeta(0.5, 1, Number.NaN), RangeError);
});

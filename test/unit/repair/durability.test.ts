import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { randomFraction } from '../../../node/random.ts';
import { daysToLoss, failureRate, meanRate, type StripeRates } from '../../../node/repair/durability.ts';
import { quickRandom } from '../../helpers/candidates.ts';

const close = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.abs(expected), `${actual} for ${expected}`);

const anyStripe = fc
  .record({
    needed: fc.integer({ min: 1, max: 20 }),
    spare: fc.integer({ min: 0, max: 20 }),
    gone: fc.integer({ min: 0, max: 40 }),
    failuresPerDay: fc.double({ min: 1e-6, max: 10, noNaN: true }),
    repairsPerDay: fc.oneof(fc.constant(0), fc.double({ min: 1e-3, max: 1000, noNaN: true })),
  })
  .map(({ needed, spare, gone, ...rates }) => {
    const total = needed + spare;
    return { needed, total, healthy: Math.max(needed, total - gone), ...rates };
  });

test('without repair: the sum of the waiting times for one failure after the other', () => {
  const rates = { needed: 2, total: 3, failuresPerDay: 0.5, repairsPerDay: 0 };
  close(daysToLoss({ ...rates, healthy: 3 }), (1 / 3 + 1 / 2) / 0.5);
  close(daysToLoss({ ...rates, healthy: 2 }), 1 / 2 / 0.5);
  assert.equal(daysToLoss({ ...rates, healthy: 1 }), 0);
});

test('mirrored disks: the closed form (3λ + μ) / 2λ² of two copies with repair', () => {
  const [failuresPerDay, repairsPerDay] = [0.01, 12];
  const pair = { needed: 1, total: 2, healthy: 2, failuresPerDay, repairsPerDay };
  close(daysToLoss(pair), (3 * failuresPerDay + repairsPerDay) / (2 * failuresPerDay ** 2));
});

test('the mean times solve the equations of the chain', () => {
  fc.assert(
    fc.property(anyStripe, (stripe) => {
      const { needed, total, failuresPerDay, repairsPerDay } = stripe;
      const at = (healthy: number) => daysToLoss({ ...stripe, healthy });
      for (let i = needed; i <= total; i++) {
        const [down, up] = [i * failuresPerDay, (total - i) * repairsPerDay];
        // (d + b)·T_i = 1 + d·T_{i−1} + b·T_{i+1}
        close((down + up) * at(i), 1 + down * at(i - 1) + (up === 0 ? 0 : up * at(i + 1)), 1e-9);
      }
    }),
    { numRuns: 100 },
  );
});

test('more shards, faster repair and rarer failures never bring loss nearer', () => {
  fc.assert(
    fc.property(anyStripe, (stripe) => {
      const days = daysToLoss(stripe);
      const better: Partial<StripeRates>[] = [
        { healthy: Math.min(stripe.total, stripe.healthy + 1) },
        { repairsPerDay: stripe.repairsPerDay * 2 },
        { failuresPerDay: stripe.failuresPerDay / 2 },
      ];
      for (const change of better) assert.ok(daysToLoss({ ...stripe, ...change }) >= days * (1 - 1e-12));
    }),
  );
});

test('extreme rates overflow to forever and never to nonsense', () => {
  const stripe = { needed: 20, total: 64, healthy: 64, failuresPerDay: 1e-12, repairsPerDay: 1e6 };
  assert.equal(daysToLoss(stripe), Number.POSITIVE_INFINITY);
  assert.equal(daysToLoss({ ...stripe, repairsPerDay: 0, failuresPerDay: 0 }), Number.POSITIVE_INFINITY);
  for (const wrong of [
    { needed: 0 },
    { total: 19 },
    { total: 65 },
    { healthy: 1.5 },
    { healthy: Number.NaN },
    { failuresPerDay: -1 },
    { repairsPerDay: Number.NaN },
  ]) {
    assert.throws(() => daysToLoss({ ...stripe, ...wrong }), RangeError, JSON.stringify(wrong));
  }
});

test('the mean of 20,000 simulated stripes agrees within five standard errors', () => {
  const stripe = { needed: 3, total: 6, healthy: 5, failuresPerDay: 0.2, repairsPerDay: 0.5 };
  const bytes = quickRandom(5);
  const runs = 20_000;
  let sum = 0;
  let squares = 0;
  for (let run = 0; run < runs; run++) {
    let days = 0;
    let healthy = stripe.healthy;
    while (healthy >= stripe.needed) {
      const down = healthy * stripe.failuresPerDay;
      const up = (stripe.total - healthy) * stripe.repairsPerDay;
      days -= Math.log1p(-randomFraction(bytes)) / (down + up);
      healthy += randomFraction(bytes) < down / (down + up) ? -1 : 1;
    }
    sum += days;
    squares += days * days;
  }
  const mean = sum / runs;
  const error = Math.sqrt((squares / runs - mean ** 2) / runs);
  assert.ok(Math.abs(mean - daysToLoss(stripe)) < 5 * error, `${mean} ± ${error} for ${daysToLoss(stripe)}`);
});

test('the mean rate never promises more than holders of different rates keep', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.01, max: 5, noNaN: true }), { minLength: 2, maxLength: 6 }), (rates) => {
      // With one shard needed, loss is the last failure: E max = Σ over subsets S of (−1)^{|S|+1} / Σ_S λ.
      let expected = 0;
      for (let subset = 1; subset < 2 ** rates.length; subset++) {
        const chosen = rates.filter((_, i) => (subset >> i) % 2 === 1);
        expected += (chosen.length % 2 === 1 ? 1 : -1) / chosen.reduce((sum, rate) => sum + rate, 0);
      }
      const stripe = { needed: 1, total: rates.length, healthy: rates.length, repairsPerDay: 0 };
      assert.ok(daysToLoss({ ...stripe, failuresPerDay: meanRate(rates) }) <= expected * (1 + 1e-9));
    }),
    { numRuns: 50 },
  );
});

test('a peer is judged by what it did as far as it was watched', () => {
  close(failureRate(0, 0), 1 / 365);
  close(failureRate(0, 365), 1 / 730);
  close(failureRate(3, 35), 4 / 400);
  close(meanRate([]), failureRate(0, 0));
  close(meanRate([1, 2, 6]), 3);
});

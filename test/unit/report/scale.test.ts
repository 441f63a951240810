import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fullNumber, linearScale, shortNumber } from '../../../node/report/scale.ts';

const finite = fc.double({ min: -1e12, max: 1e12, noNaN: true });

test('a scale holds all values, in order, with a few ticks within it', () => {
  fc.assert(
    fc.property(fc.array(finite, { minLength: 1, maxLength: 20 }), fc.boolean(), (values, rounded) => {
      const scale = linearScale(values, {}, [0, 100], { wanted: 5, rounded });
      for (const value of values) assert.ok(scale.at(value) >= -1e-6 && scale.at(value) <= 100 + 1e-6);
      assert.ok(scale.ticks.length >= 1 && scale.ticks.length <= 8, String(scale.ticks));
      assert.deepEqual(
        [...scale.ticks].sort((a, b) => a - b),
        scale.ticks,
      );
      for (const tick of scale.ticks) assert.ok(scale.at(tick) >= -1e-6 && scale.at(tick) <= 100 + 1e-6);
    }),
  );
});

test('round ticks, bounds that are kept, and a direction that may be reversed', () => {
  const scale = linearScale([3, 97], { from: 0 }, [200, 0], { wanted: 5, rounded: true });
  assert.deepEqual(scale.ticks, [0, 20, 40, 60, 80, 100]);
  assert.deepEqual([scale.at(0), scale.at(50), scale.at(100)], [200, 100, 0]);
  assert.deepEqual(linearScale([], {}, [0, 1], { wanted: 2, rounded: true }).ticks, [0, 0.5, 1]);
  assert.equal(linearScale([5], {}, [0, 10], { wanted: 2, rounded: false }).at(5), 0);
});

test('numbers are short on ticks and full in tables', () => {
  const short = [0, 0.25, 9999, 12_000, 3_400_000, 2e9, -15_000, 0.000_01].map(shortNumber);
  assert.deepEqual(short, ['0', '0.25', '9999', '12k', '3.4M', '2G', '-15k', '1e-5']);
  assert.deepEqual([1 / 3, 123_456_789].map(fullNumber), ['0.333333', '123456789']);
});

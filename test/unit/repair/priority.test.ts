import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compareUrgency, type Endangered } from '../../../node/repair/priority.ts';

const endangered = fc.record({
  daysToLoss: fc.oneof(fc.nat({ max: 3 }), fc.constant(Number.POSITIVE_INFINITY)),
  margin: fc.nat({ max: 3 }),
  since: fc.nat({ max: 3 }),
} satisfies Record<keyof Endangered, unknown>);

describe('urgency', () => {
  const base: Endangered = { daysToLoss: 10, margin: 2, since: 5 };
  test('fewer days go first, whatever the margin', () =>
    assert.ok(compareUrgency({ ...base, daysToLoss: 9, margin: 4 }, base) < 0));
  test('then the smaller margin', () => assert.ok(compareUrgency({ ...base, margin: 1, since: 9 }, base) < 0));
  test('then what has waited longer', () => assert.ok(compareUrgency({ ...base, since: 4 }, base) < 0));

  test('is a total order', () => {
    fc.assert(
      fc.property(endangered, endangered, endangered, (a, b, c) => {
        // Sums, because 0 and −0 are no equals.
        assert.equal(Math.sign(compareUrgency(a, b)) + Math.sign(compareUrgency(b, a)), 0);
        if (compareUrgency(a, b) <= 0 && compareUrgency(b, c) <= 0) assert.ok(compareUrgency(a, c) <= 0);
        if (compareUrgency(a, b) === 0) assert.deepEqual({ ...a }, { ...b });
      }),
    );
  });
});

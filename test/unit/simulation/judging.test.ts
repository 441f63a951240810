import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { availability, type Window } from '../../../node/reputation/availability.ts';
import { AvailabilityGrid, Judging } from '../../../node/simulation/judging.ts';
import { DEFAULT_POLICY } from '../../../node/simulation/policy.ts';

const DAY = 86_400_000;
const anyWindow = fc.record({
  ok: fc.double({ min: 0, max: 300, noNaN: true }),
  miss: fc.double({ min: 0, max: 60, noNaN: true }),
});

test('the remembered availability is within 0.0128 of the formula', () => {
  const grid = new AvailabilityGrid();
  const errorOf = (short: Window, long: Window) => Math.abs(grid.of(short, long) - availability(short, long));
  // Half a step is the most, and steps are the widest beside where they change.
  const worst = { ok: 8.25, miss: 8.249_999 };
  assert.ok(errorOf(worst, worst) > 0.012);
  fc.assert(
    fc.property(anyWindow, anyWindow, (short, long) => {
      assert.ok(errorOf(short, long) < 0.0128);
    }),
    { numRuns: 500 },
  );
});

test('nodes of the start are vetted after enough audits before it; a new identity is not', () => {
  const judging = new Judging(2, { policy: DEFAULT_POLICY, ageMs: 30 * DAY });
  assert.ok(judging.standingOf(0, 0).vetted);
  assert.ok(judging.integrityOf(0) > 0.75);
  judging.forget(1);
  assert.deepEqual([judging.standingOf(1, 0).vetted, judging.integrityOf(1)], [false, 0.5]);
  const fresh = new Judging(1, { policy: DEFAULT_POLICY, ageMs: 0 });
  assert.equal(fresh.standingOf(0, 0).vetted, false);
});

test('a lie shows at once, and the one that leads below the threshold disqualifies', () => {
  const judging = new Judging(1, { policy: DEFAULT_POLICY, ageMs: 0 });
  assert.equal(judging.observe(0, 'invalid-proof', DAY), false);
  assert.ok(judging.standingOf(0, DAY).integrity < 0.31);
  assert.equal(judging.observe(0, 'invalid-proof', 2 * DAY), true);
  assert.equal(judging.standingOf(0, 2 * DAY).disqualified, true);
  assert.equal(judging.observe(0, 'invalid-proof', 3 * DAY), false, 'only once');
});

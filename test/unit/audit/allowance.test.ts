import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Allowance } from '../../../node/audit/allowance.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const HOUR_MS = 3_600_000;

test('the burst may come at once, then what an hour allows', async () => {
  const clock = new ManualClock();
  const allowance = new Allowance({ perHour: 3600, burst: 10 }, clock);
  for (let i = 0; i < 10; i++) {
    assert.equal(allowance.wait('a', 1), 0);
    allowance.take('a', 1);
  }
  assert.equal(allowance.wait('a', 1), 1000);
  assert.equal(allowance.wait('b', 1), 0);
  await clock.advance(999);
  assert.equal(allowance.wait('a', 1), 1);
  await clock.advance(1);
  assert.equal(allowance.wait('a', 1), 0);
});

test('more than the burst may be taken when everything is paid, and is paid for', async () => {
  const clock = new ManualClock();
  const allowance = new Allowance({ perHour: 3600, burst: 10 }, clock);
  assert.equal(allowance.wait('a', 60), 0);
  allowance.take('a', 60);
  assert.equal(allowance.wait('a', 60), 60_000);
  assert.equal(allowance.wait('a', 10), 60_000);
  assert.equal(allowance.wait('a', 1), 51_000);
});

test('without limit there is no waiting', () => {
  const allowance = new Allowance({ perHour: Number.POSITIVE_INFINITY, burst: 1 }, new ManualClock());
  for (let i = 0; i < 5; i++) {
    assert.equal(allowance.wait('a', 1e12), 0);
    allowance.take('a', 1e12);
  }
  assert.throws(() => new Allowance({ perHour: 0, burst: 1 }, new ManualClock()), RangeError);
});

test('whoever waits as told takes at once, and over any time never more than the burst and the rate', async () => {
  const step = fc.record({ amount: fc.integer({ min: 1, max: 8 }), pause: fc.integer({ min: 0, max: 5000 }) });
  const property = fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
    const clock = new ManualClock();
    const allowance = new Allowance({ perHour: 3600, burst: 8 }, clock);
    const start = clock.monotonic();
    let taken = 0;
    for (const { amount, pause } of steps) {
      await clock.advance(pause);
      const wait = allowance.wait('a', amount);
      await clock.advance(wait);
      assert.equal(allowance.wait('a', amount), 0);
      allowance.take('a', amount);
      taken += amount;
      assert.ok(taken <= 8 + (clock.monotonic() - start) / (HOUR_MS / 3600) + 1e-6);
    }
  });
  await fc.assert(property, { numRuns: 50 });
});

test('no more keys are remembered than 4,096', () => {
  const allowance = new Allowance({ perHour: 1, burst: 1 }, new ManualClock());
  for (let i = 0; i <= 4096; i++) allowance.take(`key ${i}`, 1);
  assert.equal(allowance.wait('key 0', 1), 0);
  assert.ok(allowance.wait('key 1', 1) > 0);
});

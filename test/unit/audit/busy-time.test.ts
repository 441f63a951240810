import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BusyTime } from '../../../node/audit/busy-time.ts';

test('the time until a queue is done follows from how long proofs took', () => {
  const busy = new BusyTime(2);
  assert.equal(busy.until(0), 1000, 'never less than a second');
  for (let i = 0; i < 60; i++) busy.took(4000);
  assert.ok(Math.abs(busy.until(0) - 4000) < 1);
  assert.ok(Math.abs(busy.until(16) - 9 * 4000) < 1);
});

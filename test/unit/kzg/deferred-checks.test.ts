import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHECKS_MAX, DeferredChecks, IDLE_MS, LONGEST_WAIT_MS } from '../../../node/kzg/deferred-checks.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

function fixture() {
  const clock = new ManualClock();
  const checks = new DeferredChecks(clock);
  checks.start();
  const done: number[] = [];
  const add = (id: number) => checks.add(async () => void done.push(id));
  return { clock, checks, done, add };
}

test('a check runs when no call has run for a while', async () => {
  const { clock, checks, done, add } = fixture();
  checks.enter();
  add(1);
  await clock.advance(IDLE_MS * 2);
  checks.leave();
  await clock.advance(IDLE_MS - 1);
  assert.deepEqual(done, []);
  await clock.advance(1);
  assert.deepEqual(done, [1]);
});

test('an engine that is never idle is checked now and then, in order', async () => {
  const { clock, checks, done, add } = fixture();
  checks.enter();
  add(1);
  add(2);
  await clock.advance(LONGEST_WAIT_MS);
  assert.deepEqual(done, [1]);
  await clock.advance(LONGEST_WAIT_MS - 1);
  assert.deepEqual(done, [1]);
  await clock.advance(1);
  assert.deepEqual(done, [1, 2]);
});

test('no more than a few wait, and later ones are taken again', async () => {
  const { clock, checks, done, add } = fixture();
  for (let id = 0; id < CHECKS_MAX + 3; id++) add(id);
  assert.equal(checks.hasRoom, false);
  await clock.advance(IDLE_MS);
  assert.deepEqual(done, [0, 1, 2, 3]);
  add(9);
  await clock.advance(IDLE_MS);
  assert.deepEqual(done.at(-1), 9);
});

test('nothing is taken before start and after stop, and all again after another start', async () => {
  const { clock, checks, done, add } = fixture();
  add(1);
  await checks.stop();
  add(2);
  assert.deepEqual([checks.hasRoom, clock.sleeping, done], [false, 0, []]);
  checks.start();
  add(3);
  await clock.advance(IDLE_MS);
  assert.deepEqual(done, [3]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../node/clock.ts';
import { ManualClock } from '../helpers/manual-clock.ts';

test('the system clock reads the wall, never goes back, and its sleep can be aborted', async () => {
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 1000);
  const before = systemClock.monotonic();
  await systemClock.sleep(1);
  assert.ok(systemClock.monotonic() >= before);
  const reason = new Error('enough');
  await assert.rejects(systemClock.sleep(60_000, AbortSignal.abort(reason)), reason);
  const abort = new AbortController();
  // Longer than a timer of Node can be: it must not return at once.
  const sleeping = systemClock.sleep(2 ** 40, abort.signal);
  await systemClock.sleep(5);
  abort.abort(reason);
  await assert.rejects(sleeping, reason);
});

test('a manual clock wakes sleepers in order, and only as far as it is told', async () => {
  const clock = new ManualClock(1000);
  const woken: string[] = [];
  const sleep = (name: string, ms: number): Promise<void> =>
    clock.sleep(ms).then(() => void woken.push(`${name}@${clock.monotonic()}`));
  void sleep('late', 30);
  void sleep('early', 10).then(() => sleep('again', 10));
  await clock.advance(20);
  assert.deepEqual(woken, ['early@10', 'again@20']);
  assert.equal(clock.now(), 1020);
  assert.equal(clock.sleeping, 1);
  clock.skew(-500);
  assert.equal(clock.now(), 520);
  await clock.advance(10);
  assert.deepEqual(woken, ['early@10', 'again@20', 'late@30']);
});

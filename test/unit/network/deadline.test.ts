import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadlinePassed, withDeadline } from '../../../node/network/deadline.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

test('ends work that ignores its signal', async () => {
  const clock = new ManualClock();
  let seen: AbortSignal | undefined;
  const late = withDeadline(clock, 1000, undefined, (signal) => {
    seen = signal;
    return new Promise(() => {});
  });
  const rejected = assert.rejects(late, DeadlinePassed);
  await clock.advance(1000);
  await rejected;
  assert.ok(seen?.aborted);
});

test('passes on the result, the failure and the abort of the caller, and leaves no timer', async () => {
  const clock = new ManualClock();
  assert.equal(await withDeadline(clock, 1000, undefined, async () => 7), 7);
  await assert.rejects(
    withDeadline(clock, 1000, undefined, async () => {
      throw new Error('broken');
    }),
    /broken/,
  );
  const controller = new AbortController();
  const aborted = withDeadline(clock, 1000, controller.signal, () => new Promise(() => {}));
  controller.abort(new Error('enough'));
  await assert.rejects(aborted, /enough/);
  assert.equal(clock.sleeping, 0);
});

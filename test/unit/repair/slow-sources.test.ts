import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SlowSources } from '../../../node/repair/slow-sources.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

test('who stalled is remembered for a while, and no more of them than there is room for', async () => {
  const clock = new ManualClock();
  const slow = new SlowSources(clock, 2);
  slow.stalled('a');
  await clock.advance(9 * 60_000);
  slow.stalled('b');
  assert.deepEqual(
    ['a', 'b', 'c'].map((peer) => slow.isSlow(peer)),
    [true, true, false],
  );
  await clock.advance(60_000);
  assert.deepEqual(
    ['a', 'b'].map((peer) => slow.isSlow(peer)),
    [false, true],
  );
  for (const peer of ['c', 'b', 'd']) slow.stalled(peer);
  assert.deepEqual(
    ['b', 'c', 'd'].map((peer) => slow.isSlow(peer)),
    [true, false, true],
  );
});

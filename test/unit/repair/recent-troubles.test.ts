import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentTroubles } from '../../../node/repair/recent-troubles.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

test('who failed is remembered for a while, and no more of them than there is room for', async () => {
  const clock = new ManualClock();
  const slow = new RecentTroubles(clock, 2);
  slow.add('a');
  await clock.advance(9 * 60_000);
  slow.add('b');
  assert.deepEqual(
    ['a', 'b', 'c'].map((peer) => slow.has(peer)),
    [true, true, false],
  );
  await clock.advance(60_000);
  assert.deepEqual(
    ['a', 'b'].map((peer) => slow.has(peer)),
    [false, true],
  );
  for (const peer of ['c', 'b', 'd']) slow.add(peer);
  assert.deepEqual(
    ['b', 'c', 'd'].map((peer) => slow.has(peer)),
    [true, false, true],
  );
});

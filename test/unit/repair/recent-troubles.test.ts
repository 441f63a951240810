import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentTroubles } from '../../../node/repair/recent-troubles.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

test('who failed is remembered for a while, and no more of them than there is room for', async () => {
  const clock = new ManualClock();
  const troubles = new RecentTroubles(clock, 2);
  troubles.add('a');
  await clock.advance(9 * 60_000);
  troubles.add('b');
  assert.deepEqual(
    ['a', 'b', 'c'].map((peer) => troubles.has(peer)),
    [true, true, false],
  );
  await clock.advance(60_000);
  assert.deepEqual(
    ['a', 'b'].map((peer) => troubles.has(peer)),
    [false, true],
  );
  assert.deepEqual(troubles.all(), ['b']);
  for (const peer of ['c', 'b', 'd']) troubles.add(peer);
  assert.deepEqual(
    ['b', 'c', 'd'].map((peer) => troubles.has(peer)),
    [true, false, true],
  );
});

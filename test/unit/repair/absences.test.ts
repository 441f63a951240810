import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Absences } from '../../../node/repair/absences.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { cidOf } from '../../helpers/store-home.ts';

const [one, two] = [cidOf('one'), cidOf('two')];

describe('absences', () => {
  test('begin when a holder is missed first, and end for what it answers', async () => {
    const clock = new ManualClock();
    const absences = new Absences(clock);
    absences.missed('a', one);
    await clock.advance(10);
    absences.missed('a', one);
    absences.missed('a', two);
    assert.deepEqual([absences.since('a', one), absences.since('a', two)], [0, 10]);
    assert.equal(absences.missedFor('a').length, 2);
    absences.answered('a', one);
    assert.deepEqual([absences.since('a', one), absences.since('a', two)], [undefined, 10]);
  });

  test('are looked after at pauses that double, to an hour', async () => {
    const clock = new ManualClock();
    const absences = new Absences(clock);
    absences.missed('a', one);
    assert.equal(absences.mayCall('a', one), true);
    await clock.advance(1000);
    absences.missed('a', one);
    await clock.advance(999);
    assert.deepEqual([absences.mayCall('a', one), absences.mayCall('a', two)], [false, true]);
    await clock.advance(1);
    assert.equal(absences.mayCall('a', one), true);
    await clock.advance(1e8);
    absences.missed('a', one);
    await clock.advance(3_600_000 - 1);
    assert.equal(absences.mayCall('a', one), false);
    await clock.advance(1);
    assert.equal(absences.mayCall('a', one), true);
  });

  test('are bounded: whoever was missed first is forgotten', () => {
    const absences = new Absences(new ManualClock(), 3);
    absences.missed('a', one);
    absences.missed('a', two);
    for (const peer of ['b', 'c']) absences.missed(peer, one);
    assert.deepEqual(
      ['a', 'b', 'c'].map((peer) => absences.missedFor(peer).length),
      [0, 1, 1],
    );
  });
});

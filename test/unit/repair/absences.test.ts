import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Absences } from '../../../node/repair/absences.ts';
import { OwnAbsence } from '../../../node/repair/own-absence.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { cidOf } from '../../helpers/store-home.ts';

const FORGET_MS = 2 * 24 * 3_600_000;
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

  test('of a peer that is not reached are one for all that it holds, and begin once', async () => {
    const clock = new ManualClock();
    const absences = new Absences(clock, { forgetMs: FORGET_MS, max: 1 });
    assert.equal(absences.unreachable('a'), true);
    await clock.advance(10);
    assert.equal(absences.unreachable('a'), false);
    for (let i = 0; i < 100; i++) absences.missed('a', cidOf(`root ${i}`));
    assert.deepEqual([absences.since('a', one), absences.since('a', two)], [0, 0]);
    assert.deepEqual(absences.missedFor('a'), []);
    // A call for one of them is a call for all.
    assert.deepEqual([absences.mayCall('a', one), absences.mayCall('a', two)], [false, false]);
    absences.answered('a', one);
    assert.deepEqual([absences.since('a', two), absences.isUnreachable('a')], [undefined, false]);
  });

  test('of a peer that comes and goes, and never answers for an object, begin with the first miss', async () => {
    const clock = new ManualClock();
    const absences = new Absences(clock);
    absences.missed('a', one);
    await clock.advance(10);
    absences.unreachable('a');
    assert.deepEqual([absences.since('a', one), absences.since('a', two)], [0, 10]);
    absences.answered('a', two);
    assert.deepEqual([absences.since('a', one), absences.since('a', two)], [0, undefined]);
  });

  test('do not grow while this node has no peer at all', async () => {
    const clock = new ManualClock();
    const connected = ['b'];
    const own = new OwnAbsence({ connected: () => connected, clock });
    const absences = new Absences(clock, { ownMs: () => own.ms() });
    absences.unreachable('a');
    await clock.advance(10);
    connected.pop();
    own.update();
    absences.missed('b', one);
    await clock.advance(1000);
    assert.deepEqual([own.isAlone, absences.since('a', one), absences.since('b', one)], [true, 1000, 1010]);
    connected.push('b');
    assert.equal(own.isAlone, false);
    await clock.advance(100);
    assert.deepEqual([own.ms(), absences.since('a', one), absences.since('b', one)], [1000, 1000, 1010]);
  });

  test('are bounded: what nobody missed for long makes room, and nothing else', async () => {
    const clock = new ManualClock();
    const absences = new Absences(clock, { forgetMs: FORGET_MS, max: 2 });
    absences.missed('a', one);
    absences.missed('a', two);
    absences.missed('b', one);
    const missedFor = () => ['a', 'b'].map((peer) => absences.missedFor(peer).length);
    assert.deepEqual(missedFor(), [2, 0]);
    await clock.advance(FORGET_MS - 1);
    absences.missed('a', two);
    await clock.advance(1);
    absences.missed('b', one);
    assert.deepEqual(missedFor(), [1, 1]);
    assert.equal(absences.since('a', two), 0);
  });
});

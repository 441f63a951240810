import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CYCLE_END, CYCLE_START, fractionOf } from '../../../node/audit/cycle-order.ts';
import { ScheduledHolder } from '../../../node/audit/scheduled-holder.ts';
import { dueAt, onTime } from '../../../node/audit/scheduler-plan.ts';
import type { AskedSet, CycleState } from '../../../node/store/audit-schedule-store.ts';

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const T0 = 1_700_000_000_000;
const RULES = { cycleMs: 24 * HOUR, readBytesPerSecond: 20_000_000 };
const MIDDLE = { rank: '8'.padEnd(32, '0'), index: 0 };

function holderOf(changes: Partial<CycleState> | undefined, firstAt = T0): ScheduledHolder {
  const holder = new ScheduledHolder({ peer: 'p', key: new Uint8Array(32) }, firstAt);
  const cycle = {
    number: 1,
    seed: new Uint8Array(16),
    startedAt: T0,
    shards: 9,
    asked: 0,
    restUntil: 0,
    ...CYCLE_START,
  };
  if (changes !== undefined) holder.cycle = { ...cycle, ...changes };
  return holder;
}

const dueOf = (holder: ScheduledHolder, now = T0) => holder.tasks(now, RULES).map(({ due }) => due <= now);

test('what was noted while the clock was a year ahead is due now', () => {
  const cases = [
    holderOf({ startedAt: T0 + YEAR, ...MIDDLE }),
    holderOf({ startedAt: T0 + YEAR, ...CYCLE_END }),
    holderOf({ startedAt: T0 + HOUR, ...CYCLE_END }),
    holderOf({ startedAt: T0 - 20 * HOUR, restUntil: T0 + YEAR, ...MIDDLE }),
    holderOf(undefined, T0 + YEAR),
  ];
  for (const holder of cases) {
    assert.deepEqual(dueOf(holder), [true]);
    assert.equal(holder.due(T0, RULES) <= T0, true);
  }
  const resting = holderOf({ startedAt: T0 - 20 * HOUR, ...MIDDLE });
  resting.restUntil = T0 + YEAR;
  assert.deepEqual(dueOf(resting), [true]);
});

test('a set that waits since the clock was ahead is asked about now; one that waits for a day is not', () => {
  const holder = holderOf({});
  const set = { id: new Uint8Array(16), unreachable: true, probe: false } as AskedSet;
  holder.contained({ ...set, nextAt: T0 + YEAR });
  assert.deepEqual(dueOf(holder), [true]);
  holder.contained({ ...set, nextAt: T0 + 26 * HOUR });
  assert.deepEqual(dueOf(holder), [false]);
});

test('what rests without an answer is due when the holder connects, but not while it is being tried', () => {
  const dueOnce = (changes: Partial<AskedSet>) => {
    const holder = holderOf({});
    const set = { id: new Uint8Array(16), probe: true, unanswered: true, unreachable: true, tries: 0, ...changes };
    holder.contained({ ...set, nextAt: T0 + 6 * HOUR } as AskedSet);
    assert.deepEqual(dueOf(holder), [false]);
    return [holder.connected(T0), ...dueOf(holder)];
  };
  assert.deepEqual(dueOnce({}), [true, true]);
  assert.deepEqual(dueOnce({ tries: 1 }), [false, false]);
  assert.deepEqual(dueOnce({ unanswered: false }), [false, false]);
});

test('sets that cannot be asked about for now do not keep the holder from being asked about the rest', () => {
  const holder = holderOf({});
  const ids = Array.from({ length: 4 }, (_, i) => new Uint8Array(16).fill(i + 1));
  for (const id of ids) {
    holder.contained({ id, unreachable: false, probe: false, unanswered: false, tries: 0, nextAt: T0 } as AskedSet);
  }
  const asksNext = () => holder.tasks(T0, RULES).some(({ contained }) => contained === undefined);
  assert.equal(asksNext(), false);
  holder.outOfReach(ids[0] as Uint8Array);
  assert.equal(asksNext(), true);
  holder.outOfReach(new Uint8Array(16));
  assert.equal(holder.containedIds().length, 4);
});

test('a cycle of the future goes on at its pace, not all at once', () => {
  const cycle = holderOf({ startedAt: T0 + YEAR, ...MIDDLE }).cycle as CycleState;
  const mended = onTime(cycle, T0, 0, RULES);
  assert.ok(mended.startedAt < T0 && mended.startedAt >= T0 - fractionOf(MIDDLE) * 24 * HOUR - 1);
  const later = { ...mended, rank: 'c'.padEnd(32, '0') };
  assert.ok(dueAt(later, 0, RULES) > T0 + 4 * HOUR && dueAt(later, 0, RULES) < T0 + 8 * HOUR);
  assert.equal(onTime(later, T0, 0, RULES), later);
});

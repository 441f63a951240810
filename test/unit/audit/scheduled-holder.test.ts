import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UNTRIED } from '../../../node/audit/containment.ts';
import { CYCLE_END, CYCLE_START, fractionOf } from '../../../node/audit/cycle-order.ts';
import { ScheduledHolder } from '../../../node/audit/scheduled-holder.ts';
import { dueAt, onTime } from '../../../node/audit/scheduler-plan.ts';
import type { AskedSet, CycleState } from '../../../node/store/audit-schedule-store.ts';
import { cidOf } from '../../helpers/store-home.ts';

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
  holder.contained({ ...set, nextAt: T0 + YEAR }, 0);
  assert.deepEqual(dueOf(holder), [true]);
  holder.contained({ ...set, nextAt: T0 + 26 * HOUR }, 0);
  assert.deepEqual(dueOf(holder), [false]);
});

test('what rests without an answer is due when the holder connects, but not while it is being tried', () => {
  const dueOnce = (changes: Partial<AskedSet>) => {
    const holder = holderOf({});
    const set = { id: new Uint8Array(16), probe: true, unanswered: true, unreachable: true, tries: 0, ...changes };
    holder.contained({ ...set, parts: [], nextAt: T0 + 6 * HOUR } as AskedSet, 0);
    const isDue = () => holder.tasks(T0, RULES).some(({ contained, due }) => contained !== undefined && due <= T0);
    assert.equal(isDue(), false);
    return [holder.connected(T0), isDue()];
  };
  assert.deepEqual(dueOnce({}), [true, true]);
  assert.deepEqual(dueOnce({ tries: 1 }), [false, false]);
  // Asked while this node reached nobody.
  assert.deepEqual(dueOnce({ unanswered: false }), [true, true]);
  assert.deepEqual(dueOnce({ unanswered: false, unreachable: false }), [false, false]);
});

test('sets that cannot be asked about for now do not keep the holder from being asked about the rest', () => {
  const holder = holderOf({});
  const ids = Array.from({ length: 4 }, (_, i) => new Uint8Array(16).fill(i + 1));
  for (const id of ids) {
    holder.contained({ id, unreachable: false, probe: false, unanswered: false, tries: 0, nextAt: T0 } as AskedSet, 0);
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

describe('silence', () => {
  const [one, other] = [cidOf('one'), cidOf('other')];
  let ids = 0;
  const setOf = (changes: Partial<AskedSet> = {}): AskedSet => ({
    id: new Uint8Array(16).fill(++ids),
    peer: 'p',
    parts: [{ root: cidOf('root'), segment: one, indices: Uint8Array.of(1) }],
    ...UNTRIED,
    probe: true,
    unanswered: true,
    since: T0,
    ...changes,
  });
  const since = (holder: ScheduledHolder) => [one, other].map((segment) => holder.silentSince(segment));

  test('is about the segments of what was finally not answered, since then, until it is answered', () => {
    const holder = holderOf({});
    const first = setOf({ unanswered: false, probe: false });
    holder.contained(first, 5);
    const half = setOf({ unanswered: false });
    holder.settled(first.id, [half], 10);
    assert.deepEqual(since(holder), [undefined, undefined]);
    const rest = setOf();
    holder.settled(half.id, [rest], 15);
    assert.deepEqual(since(holder), [15, undefined]);
    // Asked about again, in parts: no new silence.
    const parts = [setOf({ unanswered: false }), setOf({ unanswered: false })] as const;
    holder.settled(rest.id, [{ ...rest, tries: 1 }], 20);
    holder.settled(rest.id, parts, 25);
    holder.settled(parts[0].id, [], 30);
    assert.deepEqual(since(holder), [15, undefined]);
    holder.settled(parts[1].id, [], 35);
    assert.deepEqual(since(holder), [undefined, undefined]);
  });

  test('is not that of a holder that cannot be reached; what rests then does not hold up other questions', () => {
    const holder = holderOf({});
    const rest = setOf({ unreachable: true });
    holder.contained(rest, 5);
    assert.deepEqual(since(holder), [undefined, undefined]);
    assert.equal(holder.tasks(T0, RULES).length, 2);
    holder.settled(rest.id, [{ ...rest, tries: 1 }], 10);
    assert.equal(holder.tasks(T0, RULES).length, 1);
    holder.settled(rest.id, [{ ...rest, unreachable: false }], 15);
    assert.deepEqual(since(holder), [15, undefined]);
    // To go away now is no answer.
    holder.settled(rest.id, [rest], 20);
    assert.deepEqual(since(holder), [15, undefined]);
  });

  test('is about everything when it is about more than can be followed', () => {
    const holder = holderOf({});
    for (let i = 1; i <= 16; i++) {
      assert.equal(holder.silentSince(other), undefined);
      holder.contained(setOf(), i);
    }
    assert.deepEqual(since(holder), [1, 1]);
  });
});

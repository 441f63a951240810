import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CYCLE_END, CYCLE_START } from '../../../node/audit/cycle-order.ts';
import {
  cycleLength,
  dueAt,
  dueTasks,
  isUnderAudited,
  readingMs,
  suspicionAfter,
  urgency,
} from '../../../node/audit/scheduler-plan.ts';
import { Spending } from '../../../node/audit/spending.ts';
import type { CycleState } from '../../../node/store/audit-schedule-store.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const RULES = { cycleMs: DAY, readBytesPerSecond: 20_000_000 };
const T0 = 1_700_000_000_000;
/** So many shards take a day to read at the cap. */
const DAY_OF_SHARDS = Math.floor((20_000_000 * 86_400) / SHARD_BYTES);

function cycle(changes: Partial<CycleState> = {}): CycleState {
  const state = { number: 1, seed: new Uint8Array(16), startedAt: T0, shards: 100, asked: 0, restUntil: 0 };
  return { ...state, ...CYCLE_START, ...changes };
}

test('a cycle is a day, stretched when reading at the cap takes longer, shorter for a suspect', () => {
  assert.equal(cycleLength(100, 0, RULES), DAY);
  assert.equal(cycleLength(100, 3, RULES), DAY / 4);
  assert.ok(cycleLength(3 * DAY_OF_SHARDS, 0, RULES) >= 2.99 * DAY);
  // The cap holds for suspects too.
  assert.equal(cycleLength(3 * DAY_OF_SHARDS, 3, RULES), cycleLength(3 * DAY_OF_SHARDS, 0, RULES));
});

test('slices are due in the order of their ranks, within the cycle, and the next cycle after them', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.array(fc.integer({ min: 0, max: 0xffffff }), { minLength: 2, maxLength: 8 }),
      (seed, steps) => {
        const ranks = [...new Set(steps)]
          .sort((a, b) => a - b)
          .map((step) => step.toString(16).padStart(6, '0').padEnd(32, '0'));
        const due = ranks.map((rank) => dueAt(cycle({ seed, rank, index: 0 }), 0, RULES));
        for (const at of due) assert.ok(at >= T0 && at < T0 + DAY);
        const end = dueAt(cycle({ seed, ...CYCLE_END }), 0, RULES);
        assert.ok(end > T0 + 0.94 * DAY && end <= T0 + DAY);
        // Jitter is a twentieth of the cycle: what is further apart keeps its order.
        for (let i = 1; i < ranks.length; i++) {
          const apart = Number.parseInt(ranks[i]!.slice(0, 6), 16) - Number.parseInt(ranks[i - 1]!.slice(0, 6), 16);
          if (apart > 0.06 * 0xffffff) assert.ok(due[i]! > due[i - 1]!);
        }
      },
    ),
  );
});

test('when a small holder is asked cannot be told, only in which cycle', () => {
  const due = Array.from({ length: 100 }, (_, i) => {
    const seed = new Uint8Array(16).fill(i);
    return (dueAt(cycle({ number: 2, seed }), 0, RULES) - T0) / DAY;
  });
  assert.ok(due.every((at) => at >= 0 && at <= 0.95));
  for (let tenth = 0; tenth < 9; tenth++) assert.ok(due.some((at) => at >= tenth / 10 && at < (tenth + 1) / 10));
  // Whoever has three slices is asked about each in its third; the first time at once.
  const three = { number: 2, shards: 2.5 * 16_384, rank: '55'.padEnd(32, '5'), index: 0 };
  const second = dueAt(cycle(three), 0, RULES) - T0;
  assert.ok(second >= (0.95 * DAY) / 3 && second <= (0.95 * 2 * DAY) / 3);
  assert.ok(dueAt(cycle(), 0, RULES) <= T0 + 0.05 * DAY);
});

test('the reading cap puts off what is due', () => {
  const restUntil = T0 + 5 * HOUR;
  assert.equal(dueAt(cycle({ restUntil }), 0, RULES), restUntil);
  assert.equal(readingMs(16_384, RULES), (16_384 * SHARD_BYTES) / 20_000);
});

test('beyond seven days a holder is under-audited', () => {
  assert.equal(isUnderAudited(cycle(), T0, RULES), false);
  assert.equal(isUnderAudited(cycle({ shards: 8 * DAY_OF_SHARDS }), T0, RULES), true);
  assert.equal(isUnderAudited(cycle({ rank: '80', index: 0 }), T0 + 7 * DAY + 1, RULES), true);
  assert.equal(isUnderAudited(cycle(CYCLE_END), T0 + 7 * DAY + 1, RULES), false);
});

test('what is due comes first the most overdue and the most suspect', () => {
  const task = (name: string, due: number, suspicion = 0, length = DAY) => ({ name, due, suspicion, length });
  const tasks = [
    task('later', T0 + 1),
    task('just due', T0),
    task('overdue', T0 - HOUR),
    task('overdue by a share of a short cycle', T0 - HOUR, 0, 2 * HOUR),
    task('suspect', T0, 1),
    task('very suspect', T0, 3),
  ];
  assert.deepEqual(
    dueTasks(tasks, T0).map(({ name }) => name),
    ['very suspect', 'suspect', 'overdue by a share of a short cycle', 'overdue', 'just due'],
  );
});

test('urgency grows with time and suspicion, and no due task is passed over', () => {
  const tasks = fc.array(
    fc.record({
      due: fc.integer({ min: T0 - DAY, max: T0 + DAY }),
      length: fc.integer({ min: HOUR, max: 7 * DAY }),
      suspicion: fc.double({ min: 0, max: 3, noNaN: true }),
    }),
  );
  fc.assert(
    fc.property(tasks, (all) => {
      const chosen = dueTasks(all, T0);
      assert.equal(chosen.length, all.filter(({ due }) => due <= T0).length);
      for (let i = 1; i < chosen.length; i++) {
        assert.ok(urgency(chosen[i - 1]!, T0) >= urgency(chosen[i]!, T0));
      }
    }),
  );
});

test('suspicion stays between none and three, and a failed proof raises it to the most', () => {
  assert.equal(suspicionAfter(0, 'passed'), 0);
  assert.equal(suspicionAfter(0.5, 'invalid-proof'), 3);
  assert.equal(suspicionAfter(3, 'passed'), 2.5);
  assert.equal(suspicionAfter(1, 'auditor-fault'), 1);
});

test('what was spent is worked off before more begins', () => {
  const budget = new Spending(0.25, 1000);
  assert.equal(budget.wait(0), 0);
  budget.spend(100, 0);
  assert.equal(budget.wait(0), 0);
  budget.spend(400, 0);
  assert.equal(budget.wait(0), 1000);
  assert.equal(budget.wait(1000), 0);
});

test('over any time no more is begun than the rate and the burst allow', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 50 }), (costs) => {
      const budget = new Spending(2, 1000);
      let now = 0;
      let spent = 0;
      for (const cost of costs) {
        now += budget.wait(now);
        assert.ok(spent <= 2 * (now + 1000) + 1e-6);
        budget.spend(cost, now);
        spent += cost;
      }
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Asked, type Containment, contain, postponed, unanswered } from '../../../node/audit/containment.ts';
import type { AuditOutcome } from '../../../node/audit/outcome.ts';
import type { AskedSet } from '../../../node/store/audit-schedule-store.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const RULES = { tries: 3, windowMs: 15 * MINUTE };
const T0 = 1_700_000_000_000;

const fresh: AskedSet = {
  id: new Uint8Array(16),
  peer: 'holder',
  parts: [],
  probe: false,
  unanswered: false,
  tries: 0,
  busy: 0,
  since: T0,
  silentSince: 0,
  nextAt: 0,
  unreachable: false,
};
const silent: AuditOutcome = { kind: 'timed-out', reason: 'no answer' };
const away: AuditOutcome = { kind: 'unreachable', reason: 'no route' };
const missing = [] as const;

function asked(outcome: AuditOutcome, now: number, changes: Partial<AskedSet> = {}, more: Partial<Asked> = {}) {
  return contain({ set: { ...fresh, ...changes }, outcome, now, shards: 8, answeredAt: 0, jitter: 0, ...more }, RULES);
}

const setOf = (contained: Containment): AskedSet => {
  assert.equal(contained.kind, 'again');
  return (contained as Extract<Containment, { kind: 'again' }>).set;
};

test('an answer is final at once, whatever the set went through', () => {
  const conclusive: AuditOutcome[] = [
    { kind: 'passed' },
    { kind: 'invalid-proof' },
    { kind: 'declared-lost', missing },
    { kind: 'not-held', missing },
    { kind: 'auditor-fault', reason: 'released' },
  ];
  for (const outcome of conclusive) {
    for (const changes of [{}, { tries: 2, silentSince: T0 }, { busy: 9 }]) {
      assert.deepEqual(asked(outcome, T0, changes), { kind: 'final', outcome, observed: true });
    }
  }
});

test('what was wrong here and is right now is asked again, and counts for nothing', () => {
  const mended: AuditOutcome = { kind: 'auditor-fault', reason: 'derived wrongly', mended: true };
  const set = setOf(asked(mended, T0, { tries: 2, silentSince: T0 }));
  assert.deepEqual([set.tries, set.silentSince, set.nextAt], [2, T0, T0 + 30_000]);
});

test('silence counts after three tries over fifteen minutes, and the last try decides how', () => {
  for (const [first, last] of [
    [silent, away],
    [away, silent],
    [away, away],
  ] as const) {
    const second = setOf(asked(first, T0));
    assert.deepEqual([second.tries, second.silentSince, second.nextAt], [1, T0, T0 + 7.5 * MINUTE]);
    assert.equal(second.unreachable, first.kind === 'unreachable');
    const third = setOf(asked(first, second.nextAt, second));
    assert.deepEqual([third.tries, third.nextAt], [2, T0 + 15 * MINUTE]);
    const end = asked(last, third.nextAt, third);
    assert.notEqual(end.kind, 'again');
    assert.deepEqual(end.kind !== 'again' && [end.outcome, end.observed], [last, true]);
  }
});

test('who is not reached by a node that is connected to nobody is asked later, and that is no try', () => {
  const set = setOf(asked(away, T0, { tries: 2, silentSince: T0 - 15 * MINUTE }, { cutOff: true }));
  assert.deepEqual([set.tries, set.silentSince, set.unreachable], [2, T0 - 15 * MINUTE, true]);
  assert.equal(set.nextAt, T0 + 7.5 * MINUTE);
  // Whoever was reached and did not answer was silent.
  assert.equal(setOf(asked(silent, T0, {}, { cutOff: true })).tries, 1);
  assert.equal(setOf(asked(away, T0, {}, { cutOff: false })).tries, 1);
});

test('tries that come too early do not count as the last one', () => {
  const early = setOf(asked(silent, T0 + 14 * MINUTE, { tries: 2, silentSince: T0 }));
  assert.ok(early.nextAt >= T0 + 15 * MINUTE);
});

test('jitter makes a try later, never sooner', () => {
  const plain = setOf(asked(silent, T0)).nextAt;
  const late = setOf(asked(silent, T0, {}, { jitter: 0.999 })).nextAt;
  assert.ok(late > plain && late < plain + MINUTE);
});

test('one try only, where the options say so', () => {
  const once = contain(
    { set: fresh, outcome: away, now: T0, shards: 8, answeredAt: 0, jitter: 0 },
    { tries: 1, windowMs: 15 * MINUTE },
  );
  assert.equal(once.kind, 'final');
});

test('a busy prover is not asked before it says, ever more rarely, for a day at most, and no try is counted', () => {
  const cases = [
    [T0 + 60_000, 0, T0 + 60_000],
    [T0 + 5 * HOUR, 0, T0 + 5 * HOUR],
    [T0 - 1, 0, T0 + 5_000],
    [T0 - 1, 3, T0 + 40_000],
    [T0 - 1, 8, T0 + 10 * MINUTE],
    [Number.MAX_SAFE_INTEGER, 0, T0 + 24 * HOUR],
  ] as const;
  for (const [until, busy, nextAt] of cases) {
    const set = setOf(asked({ kind: 'refused-busy', until }, T0, { busy, tries: 2, silentSince: T0 - MINUTE }));
    assert.deepEqual([set.nextAt, set.tries, set.busy], [nextAt, 2, busy + 1]);
  }
  const late = asked({ kind: 'refused-busy', until: T0 + 48 * HOUR }, T0 + 24 * HOUR, { busy: 1 });
  assert.equal(late.kind !== 'again' && late.outcome.kind, 'timed-out');
});

test('a silence that was noted while the clock was ahead settles all the same', () => {
  let set: AskedSet = { ...fresh, tries: 1, silentSince: T0 + 365 * 24 * HOUR };
  let now = T0;
  for (let i = 0; i < 4; i++) {
    const next = asked(away, now, set);
    if (next.kind === 'final') return;
    set = setOf(next);
    assert.ok(set.nextAt <= now + 20 * MINUTE);
    now = set.nextAt;
  }
  assert.fail('it never counts');
});

test('who is busy for ever has not answered', () => {
  let set: AskedSet = fresh;
  let now = T0;
  for (let i = 1; i < 10; i++) {
    set = setOf(asked({ kind: 'refused-busy', until: now }, now, set));
    now = set.nextAt;
  }
  const end = asked({ kind: 'refused-busy', until: now }, now, set, { shards: 1 });
  assert.equal(end.kind !== 'again' && end.outcome.kind, 'timed-out');
  // A try that counts begins a new row.
  assert.equal(setOf(asked(silent, T0, { busy: 5 })).busy, 0);
});

const last = { tries: 2, silentSince: T0 - 15 * MINUTE };

test('a silent set is halved, to find the shard that is silent; who cannot be reached is not asked more', () => {
  assert.equal(asked(silent, T0, last).kind, 'halve');
  assert.equal(asked(away, T0, last).kind, 'final');
});

test('of one shard the holder is silent only if it answers for others', () => {
  const one = (answeredAt: number) => asked(silent, T0, last, { shards: 1, answeredAt }).kind;
  assert.equal(one(0), 'final');
  assert.equal(one(T0 - 1), 'final');
  assert.equal(one(T0), 'silent');
  // From a clock that was ahead: nobody knows whether it answers.
  assert.equal(one(T0 + 1), 'final');
});

test('parts of a silent set are asked twice, halved while the holder answers others, and observed only when answered', () => {
  const probe = { probe: true, since: T0 };
  const again = setOf(asked(silent, T0, probe));
  assert.ok(again.nextAt <= T0 + 30_000);
  const dead = asked(silent, again.nextAt, again);
  assert.deepEqual(dead, { kind: 'final', outcome: silent, observed: false });
  const found = asked(silent, again.nextAt, again, { answeredAt: T0 + 1 });
  assert.deepEqual(found, { kind: 'halve', outcome: silent, observed: false });
  const passed = asked({ kind: 'passed' }, T0, probe);
  assert.deepEqual(passed, { kind: 'final', outcome: { kind: 'passed' }, observed: true });
  // The last one is given all the time that a set is.
  const single = setOf(asked(silent, T0, probe, { shards: 1, answeredAt: T0 }));
  assert.equal(single.nextAt, T0 + 7.5 * MINUTE);
  const lost = asked(silent, T0, { ...probe, ...last }, { shards: 1, answeredAt: T0 });
  assert.deepEqual(lost, { kind: 'silent', outcome: silent, observed: false });
});

test('what stayed without an answer is asked about again as a set that is new, ever more rarely', () => {
  const id = new Uint8Array(16).fill(1);
  let kept = unanswered({ ...fresh, ...last, unreachable: true }, id, T0, RULES);
  const rested = { probe: true, unanswered: true, unreachable: true };
  assert.deepEqual(kept, { ...fresh, ...rested, id, since: T0, nextAt: T0 + 15 * MINUTE });
  const pauses = Array.from({ length: 6 }, () => {
    kept = unanswered(kept, id, kept.nextAt, RULES);
    return (kept.nextAt - kept.since) / MINUTE;
  });
  assert.deepEqual(pauses, [30, 60, 120, 240, 360, 360]);
  assert.equal(unanswered(kept, id, kept.since - HOUR, RULES).nextAt, kept.since - HOUR + 15 * MINUTE);
  assert.equal(unanswered(fresh, id, T0, { ...RULES, windowMs: 48 * HOUR }).nextAt, T0 + 24 * HOUR);
  kept = unanswered(fresh, id, T0 + HOUR, RULES);
  // It answers others again: the shard is looked for.
  const more = { answeredAt: T0 + 2 * HOUR };
  assert.equal(asked(silent, T0 + 7 * HOUR, { ...kept, tries: 1, silentSince: T0 + 6 * HOUR }, more).kind, 'halve');
});

test('what went wrong here counts no try', () => {
  const set = postponed({ ...fresh, tries: 1 }, T0);
  assert.equal(set.tries, 1);
  assert.ok(set.nextAt > T0);
});

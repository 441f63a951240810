import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { availability, decayed, EMPTY_WINDOW, observed } from '../../../node/reputation/availability.ts';
import { type IntegrityEvent, integrityAfter } from '../../../node/reputation/integrity.ts';
import { judge, type ReputationReason } from '../../../node/reputation/judge.ts';
import { NEWCOMER, notAfter, type PeerState, standingAt } from '../../../node/reputation/peer-state.ts';
import { scoreOf } from '../../../node/reputation/standing.ts';
import { stream } from '../../helpers/sample-object.ts';
import { DAY, HOUR, POLICY } from './policy-fixture.ts';

const START = 1_700_000_000_000;

/** The state after these reasons, an interval apart each. */
function after(reasons: readonly ReputationReason[], apartMs = DAY, from: PeerState = NEWCOMER): PeerState {
  return reasons.reduce((state, reason, i) => judge(state, { reason, at: START + i * apartMs }, POLICY), from);
}

const times = (n: number, reason: ReputationReason) => Array.from({ length: n }, () => reason);

describe('integrity', () => {
  test('steps are those of the agreement, exactly, and clamped', () => {
    assert.equal(after(['passed']).integrity, 0.51);
    assert.equal(after(['declared-lost']).integrity, 0.4);
    assert.equal(after(['not-held']).integrity, 0.4);
    assert.equal(after(['invalid-proof']).integrity, 0.3);
    assert.equal(after(['evidence']).integrity, 0.3);
    assert.equal(after(['false-commitment']).integrity, 0.3);
    assert.equal(after(['false-evidence']).integrity, 0.3);
    assert.equal(after(times(60, 'passed')).integrity, 1);
    assert.equal(after(times(9, 'declared-lost')).integrity, 0);
  });

  test('silence, busy answers and own faults never touch it', () => {
    const state = after(['timed-out', 'unreachable', ...times(20, 'refused-busy'), ...times(20, 'auditor-fault')]);
    assert.equal(state.integrity, 0.5);
    assert.equal(state.disqualifiedAt, undefined);
  });

  test('passing many audits in a day is credited once, a loss that is asked about again charged once', () => {
    assert.equal(after(times(100, 'passed'), 60_000).integrity, 0.51);
    assert.equal(after(times(100, 'declared-lost'), 60_000).integrity, 0.4);
    assert.equal(after(times(3, 'passed'), 20 * HOUR).integrity, 0.53);
  });

  test('who is silent about something earns nothing with the rest and is not vetted, until it answers', () => {
    const passed = (state: PeerState, day: number, unanswered?: boolean) =>
      judge(state, { reason: 'passed', at: START + day * DAY, unanswered }, POLICY);
    let state = after(times(5, 'passed'));
    assert.ok(standingAt(state, START + 5 * DAY, POLICY).vetted);
    const { integrity } = state;
    state = judge(state, { reason: 'timed-out', at: START + 5 * DAY, unanswered: true }, POLICY);
    for (let day = 6; day < 66; day++) {
      // The halves that are answered, on-demand audits, and the whole set once a cycle.
      state = passed(passed(state, day, true), day);
      state = judge(state, { reason: 'timed-out', at: START + (day + 0.5) * DAY, unanswered: true }, POLICY);
    }
    const standing = standingAt(state, START + 66 * DAY, POLICY);
    assert.deepEqual([standing.integrity, standing.vetted], [integrity, false]);
    assert.ok(standing.availability < 0.6);
    const answered = passed(state, 66, false);
    assert.equal(answered.integrity, integrity);
    assert.ok(standingAt(answered, START + 66 * DAY, POLICY).vetted);
    assert.ok(passed(answered, 67, false).integrity > integrity);
  });

  test('answers about constant shards alone earn no integrity and no vetting, nor do they forfeit any', () => {
    let state = NEWCOMER;
    for (let day = 0; day < 30; day++) {
      state = judge(state, { reason: 'passed', at: START + day * DAY, constant: true }, POLICY);
    }
    const standing = standingAt(state, START + 29 * DAY, POLICY);
    assert.deepEqual([standing.integrity, standing.vetted, state.credits], [0.5, false, 0]);
    assert.ok(standing.availability > 0.3, 'it answered');
    const real = judge(state, { reason: 'passed', at: START + 30 * DAY }, POLICY);
    assert.deepEqual([real.integrity, real.credits], [0.51, 1]);
  });

  test('each lost shard is charged once, however often it is declared', () => {
    const ids = Array.from({ length: 5000 }, (_, i) => stream(`lost ${i}`, 32));
    const declare = (state: PeerState, day: number, missing: readonly Uint8Array[]) =>
      judge(state, { reason: 'declared-lost', at: START + day * DAY, missing }, POLICY);
    let state = declare(NEWCOMER, 0, ids.slice(0, 100));
    for (let day = 1; day < 60; day++) assert.equal(declare(state, day, ids.slice(0, 100)), state);
    assert.equal(state.integrity, 0.4);
    // Another one within a day is charged with those before it.
    state = declare(state, 0.1, ids.slice(100, 101));
    state = declare(state, 1, ids.slice(100, 101));
    assert.equal(state.integrity, 0.4);
    state = declare(state, 2, ids.slice(0, 102));
    assert.equal(state.integrity, 0.3);
    state = declare(state, 4, ids);
    assert.ok((state.lost?.length ?? 0) <= 4096 * 6);
  });

  test('a clock that starts in 1970 wipes nothing and vets nobody; one that was ahead pardons nothing to come', () => {
    let state = after(times(3, 'passed'));
    for (let hour = 0; hour < 3; hour++) {
      const early = hour * HOUR;
      state = judge(notAfter(state, early), { reason: 'passed', at: early }, POLICY);
    }
    const now = START + 3 * DAY;
    const [kept, was] = [
      standingAt(notAfter(state, now), now, POLICY),
      standingAt(after(times(3, 'passed')), now, POLICY),
    ];
    assert.ok(kept.availability > 0.06 && kept.availability < was.availability);
    assert.equal(kept.vetted, false);
    assert.ok((state.creditedSince ?? 0) > START - 4 * DAY);
    const forgiven = judge(state, { reason: 'forgiven', at: START + 365 * DAY }, POLICY);
    assert.equal(notAfter(forgiven, now).forgivenAt, now);
  });

  test('an audit that is told twice counts once', () => {
    const once = judge(NEWCOMER, { reason: 'invalid-proof', at: START, audit: 'aa' }, POLICY);
    assert.equal(judge(once, { reason: 'invalid-proof', at: START + DAY, audit: 'aa' }, POLICY), once);
    assert.equal(judge(once, { reason: 'invalid-proof', at: START, audit: 'bb' }, POLICY).integrity, 0.1);
  });

  test('a proof that leads below 0.2 disqualifies; nothing else does', () => {
    assert.equal(after(['invalid-proof']).disqualifiedAt, undefined);
    assert.equal(after(['invalid-proof', 'invalid-proof']).disqualifiedAt, START + DAY);
    assert.equal(after(times(9, 'declared-lost')).disqualifiedAt, undefined);
    assert.equal(after([...times(9, 'declared-lost'), 'evidence']).disqualifiedAt, START + 9 * DAY);
    assert.equal(after(times(9, 'false-evidence')).disqualifiedAt, undefined);
    const best = after(times(60, 'passed'));
    assert.equal(after(times(4, 'invalid-proof'), DAY, best).disqualifiedAt, undefined);
    assert.notEqual(after(times(5, 'invalid-proof'), DAY, best).disqualifiedAt, undefined);
  });

  test('every event keeps it in 0 … 1, and a better peer stays the better one', () => {
    const events: IntegrityEvent[] = ['passed', 'declared-loss', 'invalid-proof', 'false-commitment', 'false-evidence'];
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(unit, unit, fc.constantFrom(...events), (a, b, event) => {
        const [low, high] = [integrityAfter(Math.min(a, b), event), integrityAfter(Math.max(a, b), event)];
        assert.ok(low >= 0 && high <= 1 && low <= high);
      }),
    );
  });
});

describe('availability', () => {
  const standing = (state: PeerState, at: number) => standingAt(state, at, POLICY).availability;

  test('starts at the lower bound of knowing nothing, rises with answers, falls with silence', () => {
    assert.ok(Math.abs(standing(NEWCOMER, START) - 0.05) < 1e-12);
    const steady = after(times(30, 'passed'));
    const at = START + 29 * DAY;
    assert.ok(standing(steady, at) > 0.3);
    const silent = after(['timed-out', 'unreachable'], DAY, steady);
    assert.ok(standing(silent, at) < standing(steady, at));
  });

  test('a bad day shows in the short window, a bad month in the long one', () => {
    const good = after(times(24 * 10, 'passed'), HOUR);
    const end = START + 240 * HOUR;
    const badDay = times(24, 'timed-out').reduce(
      (state, reason, i) => judge(state, { reason, at: end + i * HOUR }, POLICY),
      good,
    );
    assert.ok(standing(good, end) > 0.9);
    assert.ok(standing(badDay, end + DAY) < 0.5);
    // A good day after a month of silence.
    const badMonth = after(times(24 * 30, 'timed-out'), HOUR);
    const later = START + 30 * DAY;
    const goodDay = times(48, 'passed').reduce(
      (state, reason, i) => judge(state, { reason, at: later + i * HOUR }, POLICY),
      badMonth,
    );
    assert.ok(standing(goodDay, later + 2 * DAY) < 0.2);
  });

  test('silence is forgotten', () => {
    const silent = after(times(5, 'timed-out'));
    assert.ok(standing(silent, START + 4 * DAY) < 0.03);
    assert.ok(standing(silent, START + 2 * 365 * DAY) > 0.0499);
  });

  test('many audits of an hour count as one', () => {
    assert.deepEqual(after(times(50, 'passed'), 1000).short, { ok: 1, miss: 0 });
    assert.deepEqual(after(times(50, 'timed-out'), 1000).short, { ok: 0, miss: 1 });
  });

  test('busy is no silence', () => {
    assert.deepEqual(after(times(30, 'refused-busy'), HOUR), NEWCOMER);
  });

  test('the order in which observations come in does not matter', () => {
    const seen = fc.array(fc.record({ kind: fc.constantFrom('ok', 'miss'), at: fc.nat(1e9) }), { maxLength: 30 });
    const sum = (list: readonly { kind: 'ok' | 'miss'; at: number }[]) =>
      list.reduce((window, { kind, at }) => observed(window, kind, 1e9 - at, DAY), EMPTY_WINDOW);
    fc.assert(
      fc.property(seen, (list) => {
        const [a, b] = [sum(list as never), sum([...list].reverse() as never)];
        assert.ok(Math.abs(a.ok - b.ok) < 1e-9 && Math.abs(a.miss - b.miss) < 1e-9);
        // And to decay a sum is to sum what decayed.
        const later = decayed(a, DAY, DAY);
        assert.ok(Math.abs(later.ok - a.ok / 2) < 1e-9);
      }),
    );
    const mixed: ReputationReason[] = ['passed', 'timed-out', 'passed', 'unreachable', 'passed'];
    const events = mixed.map((reason, i) => ({ reason, at: START + i * 3 * HOUR }));
    const forward = events.reduce((state, event) => judge(state, event, POLICY), NEWCOMER);
    const late = [events[4], events[0], events[3], events[1], events[2]] as typeof events;
    const shuffled = late.reduce((state, event) => judge(state, event, POLICY), NEWCOMER);
    assert.equal(forward.windowAt, shuffled.windowAt);
    for (const kind of ['ok', 'miss'] as const) assert.ok(Math.abs(forward.short[kind] - shuffled.short[kind]) < 1e-9);
  });

  test('it lies in 0 … 1 and grows with answers, shrinks with silence', () => {
    const count = fc.double({ min: 0, max: 2000, noNaN: true });
    fc.assert(
      fc.property(count, count, count, count, (a, b, c, d) => {
        const short = { ok: a, miss: b };
        const long = { ok: c, miss: d };
        const value = availability(short, long);
        assert.ok(value >= 0 && value <= 1);
        const better = availability({ ...short, ok: a + 1 }, { ...long, ok: c + 1 });
        const worse = availability({ ...short, miss: b + 1 }, { ...long, miss: d + 1 });
        assert.ok(worse < value && value < better);
      }),
      { numRuns: 100 },
    );
  });
});

describe('standing', () => {
  test('a newcomer is vetted by enough credited audits over enough time, and a lie begins it anew', () => {
    const at = (days: number) => START + days * DAY;
    assert.equal(standingAt(after(times(4, 'passed')), at(10), POLICY).vetted, false);
    const five = after(times(5, 'passed'));
    assert.equal(standingAt(five, at(2), POLICY).vetted, false);
    assert.equal(standingAt(five, at(4), POLICY).vetted, true);
    const lied = judge(five, { reason: 'evidence', at: at(5) }, POLICY);
    assert.equal(standingAt(lied, at(30), POLICY).vetted, false);
    assert.equal(standingAt(lied, at(30), POLICY).integrityFailedAt, at(5));
  });

  test('who is forgiven is a newcomer, and no audit of before counts again', () => {
    const lies = times(3, 'invalid-proof').reduce(
      (state, reason, i) => judge(state, { reason, at: START, audit: `${i}` }, POLICY),
      after(times(5, 'passed')),
    );
    const forgiven = judge(lies, { reason: 'forgiven', at: START + 6 * DAY }, POLICY);
    const at = START + 7 * DAY;
    assert.deepEqual(standingAt(forgiven, at, POLICY), standingAt(NEWCOMER, at, POLICY));
    assert.equal(judge(forgiven, { reason: 'invalid-proof', at, audit: '1' }, POLICY), forgiven);
    assert.equal(judge(forgiven, { reason: 'invalid-proof', at, audit: 'new' }, POLICY).integrity, 0.3);
  });

  test('the score grows with both numbers, and is 0 for who is disqualified', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    const standing = (integrity: number, available: number, disqualified = false) =>
      scoreOf({ integrity, availability: available, vetted: false, integrityFailedAt: undefined, disqualified });
    fc.assert(
      fc.property(unit, unit, unit, (integrity, a, b) => {
        const score = standing(integrity, a);
        assert.ok(score >= 0 && score <= 1);
        assert.ok(score <= Math.min(integrity, a));
        assert.ok(standing(integrity, Math.max(a, b)) >= score - 1e-12);
        assert.ok(standing(Math.max(integrity, b), a) >= score - 1e-12);
        assert.equal(standing(integrity, a, true), 0);
      }),
    );
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditResult } from '../../../node/audit/audit-result.ts';
import type { Bisected } from '../../../node/audit/bisection.ts';
import { UNTRIED } from '../../../node/audit/containment.ts';
import { Selection } from '../../../node/audit/selection.ts';
import { SetAsker } from '../../../node/audit/set-asker.ts';
import type { ShardFindings } from '../../../node/audit/shard-findings.ts';
import { silentLogger } from '../../../node/log.ts';
import type { AskedSet, Settled } from '../../../node/store/audit-schedule-store.ts';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { stream } from '../../helpers/sample-object.ts';
import { prover } from './sample-auditor.ts';
import { sampleSegment } from './sample-selection.ts';

const { signal } = new AbortController();
const NOTHING: Bisected = { bad: [], evidence: [], asked: [] };
const RECEIPT: NonNullable<AuditResult['receipt']> = {
  request: { challenge: new Uint8Array(0), sig: new Uint8Array(0), set: [] },
  answer: { refusal: new Uint8Array(0) },
};

/** Of so many segments, of two shards each. */
function selectionOf(segments: number): Selection {
  return new Selection(
    Array.from({ length: segments }, (_, i) => {
      const { segment, receipt } = sampleSegment(`segment ${i}`, 2);
      return { segment, receipt, indices: bitmapIndices(receipt.indices) };
    }),
  );
}

function resultOf(selection: Selection, outcome: AuditResult['outcome']): AuditResult {
  const shards = selection.items.length;
  return { id: stream('challenge', 32), outcome, selection, shards, milliseconds: 1, verifyMilliseconds: 1 };
}

function asking(audit: (selection: Selection) => AuditResult, found: Bisected = NOTHING) {
  const clock = new ManualClock();
  const settled: Settled[] = [];
  const findings: ShardFindings[] = [];
  const asker = new SetAsker({
    auditor: { audit: async (_, selection) => audit(selection), bisect: async () => found },
    store: { settle: async (_set, _holder, outcome) => void settled.push(outcome) },
    recorder: { record: async () => {}, recordParts: async () => {} },
    clock,
    random: (n) => stream(`random ${settled.length}`, n),
    log: silentLogger,
    rules: { tries: 3, windowMs: 900_000 },
    isCutOff: () => false,
    onObserved: async () => {},
    onProved: async () => {},
    onSilent: () => {},
    onShards: async (finding) => void findings.push(finding),
  });
  const ask = (selection: Selection, history: Partial<AskedSet> = {}) => {
    const parts = selection.auditedParts;
    const set = { id: stream('set', 16), peer: prover.peer, parts, since: 1, probe: false, ...UNTRIED, ...history };
    return asker.ask({ prover, set, selection, suspicion: { score: 0, answeredAt: 0 }, unanswered: false }, signal);
  };
  return { ask, clock, settled, findings };
}

test('what was not asked about for all the excuses is asked about again', async () => {
  const selection = selectionOf(3);
  const rest = selection.without([0]) as Selection;
  const excuse = { kind: 'auditor-fault', reason: 'the shards are released' } as const;
  for (const history of [{}, { tries: 2, probe: true, unanswered: true }]) {
    const { ask, settled, clock } = asking(() => ({ ...resultOf(selection, excuse), rest }));
    const { again } = await ask(selection, history);
    assert.deepEqual(settled[0]?.again, again);
    const [set, ...more] = again;
    assert.deepEqual(more, []);
    assert.deepEqual(set?.parts, rest.auditedParts);
    const { probe = false, unanswered = false } = history;
    assert.deepEqual([set?.tries, set?.probe, set?.unanswered, set?.since], [0, probe, unanswered, 1]);
    assert.ok(set !== undefined && set.nextAt > clock.now());
  }
  const all = asking(() => resultOf(selection, excuse));
  assert.deepEqual((await all.ask(selection)).again, []);
});

test('what a liar says of the parts that it lost is not forgotten', async () => {
  const selection = selectionOf(2);
  const [first, second] = selection.halves();
  const [lost] = first.name(first.ids);
  assert.ok(lost !== undefined);
  const asked = [
    resultOf(first, { kind: 'declared-lost', missing: [lost] }),
    resultOf(second, { kind: 'timed-out', reason: 'r' }),
    resultOf(second, { kind: 'not-held', missing: second.name(second.ids) }),
  ];
  const { ask, findings } = asking(() => ({ ...resultOf(selection, { kind: 'invalid-proof' }), receipt: RECEIPT }), {
    ...NOTHING,
    asked,
  });
  await ask(selection);
  assert.deepEqual(
    findings.map(({ lost, why, proved }) => [lost.length, why, proved().length]),
    [
      [1, 'declared', 1],
      [2, 'declared', 0],
      [0, 'disproved', 0],
    ],
  );
  assert.deepEqual(findings[0]?.lost, [lost]);
});

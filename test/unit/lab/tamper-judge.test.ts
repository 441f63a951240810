import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HolderAudit } from '../../../node/audit/audit-runner.ts';
import type { AuditOutcome, ShardName } from '../../../node/audit/outcome.ts';
import { judge } from '../../../node/lab/tamper.ts';
import { shardCid } from '../../../protocol/cid.ts';

const root = shardCid(new Uint8Array(32).fill(1));
const segment = shardCid(new Uint8Array(32).fill(2));
const holders = [4, 5, 6].map((number) => ({ lab: { number, node: { peerId: `peer-${number}` } } }));
const damaged = { segment, index: 7 };
const altered = { segment, index: 3 };

function shard(index: number, of = segment): ShardName {
  return { root, segment: of, index, id: new Uint8Array(32).fill(index) };
}

function audit(number: number, outcome: AuditOutcome, bad: readonly ShardName[] = []): HolderAudit {
  const named = bad.map((one) => ({ shard: one })) as unknown as HolderAudit['bad'];
  return { peer: `peer-${number}`, outcome, bad: named, shards: 10, milliseconds: 1 };
}

const PASSED = { kind: 'passed' } as const;
const lost = (...indices: number[]) => audit(4, { kind: 'declared-lost', missing: indices.map((i) => shard(i)) });
const lie = (...indices: number[]) =>
  audit(
    5,
    { kind: 'invalid-proof' },
    indices.map((i) => shard(i)),
  );
const verdict = (...audits: HolderAudit[]) => judge({ holders, root, damaged, altered }, audits);

test('tampering counts as detected when both shards are named exactly and nobody else is blamed', () => {
  const report = verdict(lost(7), lie(3), audit(6, PASSED));
  assert.equal(report.detected, true);
  assert.deepEqual([report.damaged.node, report.damaged.index, report.damaged.outcome], [4, 7, 'declared-lost']);
  assert.deepEqual([report.dishonest.node, report.dishonest.index, report.dishonest.outcome], [5, 3, 'invalid-proof']);
  assert.deepEqual(report.honest, [{ node: 6, outcome: 'passed', shards: 10, milliseconds: 1 }]);
});

test('of several sets of one holder, the one with the shard fails and the others pass', () => {
  assert.equal(verdict(audit(4, PASSED), lost(7), lie(3), audit(5, PASSED), audit(6, PASSED)).detected, true);
  assert.equal(verdict(lost(7), lost(7), lie(3), audit(6, PASSED)).detected, false);
});

test('anything less is not detection', () => {
  const honest = audit(6, PASSED);
  const cases: Record<string, HolderAudit[]> = {
    'the damage went unnoticed': [audit(4, PASSED), lie(3), honest],
    'another shard was declared': [lost(8), lie(3), honest],
    'one shard too many was declared': [lost(7, 8), lie(3), honest],
    'the loss is of another kind': [audit(4, { kind: 'not-held', missing: [shard(7)] }), lie(3), honest],
    'the lie passed': [lost(7), audit(5, PASSED), honest],
    'bisection named nothing': [lost(7), lie(), honest],
    'bisection named another shard': [lost(7), lie(4), honest],
    'bisection named a shard of another segment': [
      lost(7),
      audit(5, { kind: 'invalid-proof' }, [shard(3, root)]),
      honest,
    ],
    'bisection named too many': [lost(7), lie(3, 4), honest],
    'an honest holder was blamed': [lost(7), lie(3), audit(6, { kind: 'timed-out', reason: 'late' })],
    'an honest holder was not asked': [lost(7), lie(3)],
    'the liar was not asked': [lost(7), honest],
  };
  for (const [what, audits] of Object.entries(cases)) assert.equal(verdict(...audits).detected, false, what);
});

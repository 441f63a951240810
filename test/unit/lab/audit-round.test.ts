import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HolderAudit } from '../../../node/audit/audit-runner.ts';
import { auditRound } from '../../../node/lab/audit-round.ts';

const signal = new AbortController().signal;
const holders = ['a', 'b', 'c'].map((peerId) => ({ lab: { node: { peerId } }, receipts: [] }));

/** Answers of each peer in turn; the last one is repeated. */
function scripted(script: Record<string, readonly string[]>) {
  const calls: string[] = [];
  const turns = new Map<string, number>();
  const auditReceipts = async (byPeer: ReadonlyMap<string, unknown>): Promise<HolderAudit[]> => {
    calls.push([...byPeer.keys()].join(''));
    return [...byPeer.keys()].map((peer) => {
      const turn = turns.get(peer) ?? 0;
      turns.set(peer, turn + 1);
      const kind = script[peer]?.[turn] ?? script[peer]?.at(-1) ?? 'passed';
      return { peer, outcome: { kind }, shards: 1, milliseconds: 1, bad: [] } as unknown as HolderAudit;
    });
  };
  return { calls, owner: { audits: { auditReceipts } } };
}

async function round(script: Record<string, readonly string[]>) {
  const { calls, owner } = scripted(script);
  const audits = await auditRound(owner, holders, signal);
  return { calls, outcomes: Object.fromEntries(audits.map(({ peer, outcome }) => [peer, outcome.kind])) };
}

test('who answers is asked once, whatever the answer says', async () => {
  const { calls, outcomes } = await round({ a: ['invalid-proof'], b: ['declared-lost'], c: ['unreachable'] });
  assert.deepEqual(calls, ['abc']);
  assert.deepEqual(outcomes, { a: 'invalid-proof', b: 'declared-lost', c: 'unreachable' });
});

test('who is late is asked again alone, and counts as late only after the third time', async () => {
  const { calls, outcomes } = await round({
    a: ['timed-out', 'passed'],
    c: ['timed-out', 'refused-busy', 'timed-out'],
  });
  assert.deepEqual(calls, ['abc', 'a', 'c', 'c']);
  assert.deepEqual(outcomes, { a: 'passed', b: 'passed', c: 'timed-out' });
});

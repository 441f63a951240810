import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditResult } from '../../../node/audit/audit-result.ts';
import { AuditRunner, type AuditRunnerDeps } from '../../../node/audit/audit-runner.ts';
import { Selection } from '../../../node/audit/selection.ts';
import { KzgError } from '../../../node/kzg/engine.ts';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import type { AuditReceipt } from '../../../protocol/audit-receipt.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf } from '../../helpers/store-home.ts';
import { sampleSegment } from './sample-selection.ts';

const { segment, receipt } = sampleSegment('audited', 4);
const PEERS = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => peerIdFromKey(signerOf(name).publicKey));
const { signal } = new AbortController();

function runner(audit: (peer: string) => Promise<AuditResult>, changes: Partial<AuditRunnerDeps> = {}) {
  const records: string[] = [];
  const made = new AuditRunner({
    auditor: { audit: ({ peer }) => audit(peer), bisect: async () => ({ bad: [], evidence: [], asked: [] }) },
    clock: new ManualClock(),
    catalog: {
      async *list() {
        yield { root: receipt.root };
        yield { root: cidOf('another') };
      },
    },
    receipts: {
      holders: async (root) => (root.equals(receipt.root) ? PEERS : PEERS.slice(0, 2)),
      ofHolder: () => [receipt],
    },
    segments: { load: async () => segment },
    claims: {
      peers: () => Promise.reject(new Error('unused')),
      receipts: () => [],
      segments: { load: async () => undefined },
    },
    recorder: {
      record: async (peer) => void records.push(peer),
      recordParts: async () => {},
      prune: async () => {},
    },
    ...changes,
  });
  return { made, records };
}

const passed: AuditResult = {
  id: new Uint8Array(32),
  outcome: { kind: 'passed' },
  selection: new Selection([{ receipt, segment, indices: [0, 1, 2, 3] }]),
  shards: 4,
  milliseconds: 1,
  verifyMilliseconds: 1,
};

test('each holder of the own files is audited once, four at a time', async () => {
  let now = 0;
  let most = 0;
  const { made } = runner(async () => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    now--;
    return passed;
  });
  const audits = await made.run(undefined, signal);
  assert.deepEqual(
    audits.map(({ peer }) => peer),
    [...PEERS].sort((a, b) => a.localeCompare(b)),
  );
  assert.equal(most, 4);
});

test('a manifest that cannot be used is the fault of no holder, and stops nobody else', async () => {
  const { made, records } = runner(async (peer) => {
    if (peer === PEERS[0]) throw new KzgError({ code: 'invalid-commitment', index: 0, reason: 'r' }, 'no point');
    return passed;
  });
  const audits = await made.run(receipt.root, signal);
  assert.equal(audits.length, PEERS.length);
  assert.deepEqual(audits.find(({ peer }) => peer === PEERS[0])?.outcome, {
    kind: 'auditor-fault',
    reason: 'no point',
  });
  assert.deepEqual(records.includes(PEERS[0] as string), false);
  assert.equal(records.length, PEERS.length - 1);
});

test('a failure of this node ends the run', async () => {
  const { made } = runner(() => Promise.reject(new TypeError('broken')));
  await assert.rejects(made.run(receipt.root, signal), TypeError);
  const busy = runner(() => Promise.reject(new KzgError({ code: 'queue-full', limit: 1 }, 'full')));
  await assert.rejects(busy.made.run(receipt.root, signal), { code: 'queue-full' });
});

test('an abort ends the run with its reason, whatever it broke', async () => {
  const gone = new AbortController();
  const { made } = runner(async () => {
    gone.abort(new Error('gone'));
    throw new KzgError({ code: 'stopped' }, 'the engine stops');
  });
  await assert.rejects(made.run(receipt.root, gone.signal), /gone/);
});

test('of a file of others those are audited who say to hold it', async () => {
  const root = cidOf('foreign');
  const { made } = runner(async () => passed, {
    receipts: { holders: async () => [], ofHolder: () => [] },
    claims: {
      peers: async () => PEERS.slice(0, 3),
      receipts: (_root, peer) => (peer === PEERS[1] ? [] : [receipt]),
      segments: { load: async () => segment },
    },
  });
  const audits = await made.run(root, signal);
  assert.deepEqual(audits.map(({ peer }) => peer).sort(), [PEERS[0], PEERS[2]].sort());
});

test('a busy holder is waited for', async () => {
  const clock = new ManualClock();
  const kept: [string, boolean][] = [];
  let asked = 0;
  const { made } = runner(
    async () =>
      asked++ === 0 ? { ...passed, outcome: { kind: 'refused-busy', until: clock.now() + 107_000 } } : passed,
    {
      clock,
      receipts: { holders: async () => PEERS.slice(0, 1), ofHolder: () => [receipt] },
      recorder: {
        record: async (_peer, { outcome }, { final } = { final: true }) => void kept.push([outcome.kind, final]),
        recordParts: async () => {},
        prune: async () => {},
      },
    },
  );
  const running = made.run(receipt.root, signal);
  while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(107_000);
  assert.deepEqual(
    (await running).map(({ outcome }) => outcome.kind),
    ['passed'],
  );
  assert.deepEqual(kept, [
    ['refused-busy', false],
    ['passed', true],
  ]);
});

test('a false proof counts before it is kept, and is kept before its shards are looked for', async () => {
  const done: string[] = [];
  const failed = {
    ...passed,
    outcome: { kind: 'invalid-proof' },
    receipt: {
      request: { challenge: new Uint8Array(0), sig: new Uint8Array(0), set: [] },
      answer: { refusal: new Uint8Array(0) },
    },
  } as const;
  const { made } = runner(async () => failed, {
    receipts: { holders: async () => PEERS.slice(0, 1), ofHolder: () => [receipt] },
    auditor: {
      audit: async () => failed,
      bisect: () => Promise.reject(new Error('the node stops')),
    },
    recorder: {
      record: async () => void done.push('recorded'),
      recordParts: async () => {},
      prune: async () => {},
    },
    onResult: async ({ outcome }) => void done.push(outcome.kind),
  });
  await assert.rejects(made.run(receipt.root, signal), /stops/);
  assert.deepEqual(done, ['invalid-proof', 'recorded']);
});

test('what a result says about single shards is told after it', async () => {
  const [lost] = passed.selection.name(passed.selection.ids.slice(0, 1));
  assert.ok(lost !== undefined);
  const order: string[] = [];
  const outcome = { kind: 'declared-lost', missing: [lost] } as const;
  const { made } = runner(async () => ({ ...passed, outcome }), {
    onResult: async () => void order.push('result'),
    onShards: async ({ lost: shards, why, proved }) => {
      order.push(`${why} ${shards.map(({ index }) => index)} proved ${proved().length}`);
    },
  });
  await made.run(cidOf('another'), signal);
  assert.equal(order[0], 'result');
  assert.deepEqual([...new Set(order)].sort(), [`declared ${lost.index} proved 3`, 'result']);
});

test('so is what the holder says of the parts of a set whose proof failed', async () => {
  const [half] = passed.selection.halves();
  const missing = half.name(half.ids);
  const told: string[] = [];
  const proof = { request: {}, answer: {} } as AuditReceipt;
  const failed = { ...passed, outcome: { kind: 'invalid-proof' }, receipt: proof } as const;
  const asked = [{ ...passed, selection: half, outcome: { kind: 'declared-lost', missing } }] as const;
  const { made } = runner(async () => failed, {
    receipts: { holders: async () => PEERS.slice(0, 1), ofHolder: () => [receipt] },
    auditor: { audit: async () => failed, bisect: async () => ({ bad: [], evidence: [], asked }) },
    onShards: async ({ lost, why }) => void told.push(`${why} ${lost.length}`),
  });
  await made.run(receipt.root, signal);
  assert.deepEqual(told, ['declared 2', 'disproved 0']);
});

test('a silence of one moment is recorded as what does not count', async () => {
  const outcomes = [
    { kind: 'timed-out', reason: 'r' },
    { kind: 'unreachable', reason: 'r' },
    { kind: 'refused-busy', until: Number.MAX_SAFE_INTEGER },
    { kind: 'declared-lost', missing: [] },
  ] as const;
  for (const outcome of outcomes) {
    const kept: boolean[] = [];
    const clock = new ManualClock();
    const { made } = runner(async () => ({ ...passed, outcome }), {
      clock,
      receipts: { holders: async () => PEERS.slice(0, 1), ofHolder: () => [receipt] },
      recorder: {
        record: async (_peer, _result, { final } = { final: true }) => void kept.push(final),
        recordParts: async () => {},
        prune: async () => {},
      },
    });
    let done = false;
    const running = made.run(receipt.root, signal).finally(() => {
      done = true;
    });
    while (!done) await clock.advance(60_000);
    await running;
    assert.equal(kept.at(-1), outcome.kind === 'declared-lost', outcome.kind);
  }
});

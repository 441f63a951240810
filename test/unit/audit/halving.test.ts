import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProveBudget, READ_BURST_BYTES } from '../../../node/audit/prove-budget.ts';
import { Selection } from '../../../node/audit/selection.ts';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { decodeChallenge } from '../../../protocol/challenge.ts';
import { MAX_AUDIT_SHARDS, SHARD_BYTES } from '../../../protocol/constants.ts';
import type { AuditRequest } from '../../../protocol/messages/audit.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { auditor, failing, prover, refusing, selectionOf, signedAnswer, twoSegments } from './sample-auditor.ts';
import { sampleSegment } from './sample-selection.ts';

async function bisected(stripes: number, bad: number[], answer: Parameters<typeof auditor>[0] = signedAnswer) {
  const { made, requests } = auditor(answer, bad);
  const selection = selectionOf(stripes);
  const { outcome, receipt } = await made.audit(prover, selection);
  assert.equal(outcome.kind, 'invalid-proof');
  const { bad: found } = await made.bisect(prover, selection, receipt as NonNullable<typeof receipt>);
  return { named: found.map(({ shard }) => shard.index).sort((a, b) => a - b), found, asked: requests.length - 1 };
}

test('halving names every bad shard, each with the receipt about it alone', async () => {
  const { named, found, asked } = await bisected(32, [7, 21]);
  assert.deepEqual(named, [7, 21]);
  for (const { shard, receipt } of found) {
    assert.deepEqual(
      receipt.request.set.map(({ indices }) => bitmapIndices(indices)),
      [[shard.index]],
    );
  }
  assert.ok(asked <= 2 * 2 * 5);
});

test('a set of one shard names it without another question', async () => {
  assert.deepEqual({ ...(await bisected(1, [0])), found: 0 }, { named: [0], found: 0, asked: 0 });
});

test('a kernel that combines wrongly accuses nobody', async () => {
  const good = auditor(signedAnswer, [], false);
  assert.equal((await good.made.audit(prover, selectionOf(4))).outcome.kind, 'passed');
  const liar = auditor(signedAnswer, [2], false);
  assert.equal((await liar.made.audit(prover, selectionOf(4))).outcome.kind, 'invalid-proof');
});

test('the budget bounds the questions, whatever is bad', async () => {
  const all = Array.from({ length: 256 }, (_, i) => i);
  const { named, asked } = await bisected(256, all);
  assert.equal(asked, 64);
  assert.ok(named.length > 0 && named.length < 64);
});

test('a half whose answer is late is asked for once more', async () => {
  const { named, asked } = await bisected(2, [0], (request, count) =>
    count === 2 ? failing({ code: 'timeout', kind: 'total' })() : signedAnswer(request),
  );
  assert.deepEqual([named, asked], [[0], 3]);
});

test('a prover that stops answering is not asked for ever', async () => {
  const { named, asked } = await bisected(64, [3], (request, count) =>
    count === 1 ? signedAnswer(request) : failing({ code: 'timeout', kind: 'total' })(),
  );
  // Both halves, each asked once more.
  assert.deepEqual([named, asked], [[], 4]);
  const all = Array.from({ length: 64 }, (_, i) => i);
  const mostly = await bisected(64, all, (request, count) =>
    count % 2 === 1 ? signedAnswer(request) : failing({ code: 'dial-failed' })(),
  );
  assert.equal(mostly.asked, 5);
});

const busy = (clock: ManualClock) => (request: AuditRequest) =>
  refusing({ reason: 'busy-until', until: clock.now() + 10_000 }, request);

async function finished<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let done = false;
  const ended = () => {
    done = true;
  };
  work.then(ended, ended);
  while (!done) await clock.advance(1000);
  return work;
}

test('a liar that is busy from then on is proved to have lied about the segment', async () => {
  const clock = new ManualClock();
  const liar = auditor(
    (request) =>
      request.set.length === 2 || requestCount(request) === 5 ? signedAnswer(request) : busy(clock)(request),
    [2],
  );
  const selection = twoSegments();
  const { receipt } = await liar.made.audit(prover, selection);
  const { bad, evidence } = await finished(
    liar.clock,
    liar.made.bisect(prover, selection, receipt as NonNullable<typeof receipt>),
  );
  assert.deepEqual(bad, []);
  assert.deepEqual(
    evidence.map(({ request }) => request.set.map(({ indices }) => bitmapIndices(indices).length)),
    [[5]],
  );
  // Each of three questions four times, and no more.
  assert.ok(liar.requests.length <= 2 + 3 * 4);
});

test('a busy holder is waited for while a false proof is halved', async () => {
  const made = auditor(
    (request, asked) =>
      asked % 2 === 0 ? refusing({ reason: 'busy-until', until: 0 }, request) : signedAnswer(request),
    [1],
  );
  const selection = selectionOf(8);
  const { receipt } = await made.made.audit(prover, selection);
  const { bad } = await finished(
    made.clock,
    made.made.bisect(prover, selection, receipt as NonNullable<typeof receipt>),
  );
  assert.deepEqual(
    bad.map(({ shard }) => shard.index),
    [1],
  );
});

function requestCount({ challenge }: AuditRequest): number {
  return decodeChallenge(challenge).count;
}

test('the halving of the largest set ends within the budget of its prover', async () => {
  const budgetClock = new ManualClock();
  const limits = { perHour: 600, totalPerHour: 6000, bytesPerSecond: 2e7, totalBytesPerSecond: 1e8 };
  const budget = new ProveBudget({ ...limits, burstBytes: READ_BURST_BYTES }, budgetClock);
  let waits = 0;
  const { made } = auditor(
    (request) => {
      const wait = budget.prove({ auditor: 'auditor', owns: true }, requestCount(request) * SHARD_BYTES);
      if (wait > 0) waits++;
      return wait === 0 ? signedAnswer(request) : refusing({ reason: 'busy-until', until: 0 }, request);
    },
    [783],
  );
  const selection = new Selection(
    Array.from({ length: 16 }, (_, i) => {
      const { segment, receipt } = sampleSegment(i === 9 ? 'audited' : `segment ${i}`, MAX_AUDIT_SHARDS / 16);
      return { segment, receipt, indices: bitmapIndices(receipt.indices) };
    }),
  );
  const { receipt } = await made.audit(prover, selection);
  const { bad } = await made.bisect(prover, selection, receipt as NonNullable<typeof receipt>);
  assert.deepEqual([bad.map(({ shard }) => shard.index), waits], [[783], 0]);
});

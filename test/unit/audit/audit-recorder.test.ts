import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditRecorder } from '../../../node/audit/audit-recorder.ts';
import type { AuditResult } from '../../../node/audit/audit-result.ts';
import { Selection } from '../../../node/audit/selection.ts';
import type { AuditRecord, Kept } from '../../../node/store/audit-receipt-store.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { challengeId } from '../../../protocol/transcript.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { auditor, prover, selectionOf, signedAnswer } from './sample-auditor.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const passed: AuditResult = {
  id: new Uint8Array(32),
  selection: new Selection([]),
  outcome: { kind: 'passed' },
  shards: 1,
  milliseconds: 1,
  verifyMilliseconds: 1,
};

function recorderOf(bytes = 1000) {
  const clock = new ManualClock();
  const kept: Kept[] = [];
  const records: AuditRecord[] = [];
  const recorder = new AuditRecorder({
    clock,
    records: {
      async put(record) {
        records.push(record);
        return 20;
      },
      async prune(bounds) {
        kept.push(bounds);
        return 0;
      },
    },
    retention: { records: 10, bytes, ms: 90 * DAY },
  });
  return { recorder, clock, kept, records };
}

test('a clock that jumps ahead removes by age only as much as time has passed', async () => {
  const { recorder, clock, kept } = recorderOf();
  await recorder.prune();
  await clock.advance(3 * HOUR);
  clock.skew(365 * DAY);
  await recorder.prune();
  await recorder.prune();
  assert.deepEqual(
    kept.map(({ span }) => span),
    [HOUR, 6 * HOUR, 0],
  );
  assert.equal(kept[1]?.since, clock.now() - 90 * DAY);
});

test('what was added is counted before it is much', async () => {
  const { recorder, kept } = recorderOf(1000);
  for (let i = 0; i < 3; i++) await recorder.record('p', passed);
  assert.equal(kept.length, 0);
  await recorder.record('p', passed);
  assert.equal(kept.length, 1);
  assert.equal(kept[0]?.bytes, 1000);
  await recorder.record('p', passed);
  assert.equal(kept.length, 1);
});

test('the record says whether the outcome counts', async () => {
  const { recorder, records } = recorderOf();
  await recorder.record('p', passed, { note: 'asked again', final: false });
  await recorder.record('p', passed);
  assert.deepEqual(
    records.map(({ final, detail }) => [final, detail]),
    [
      [false, 'asked again'],
      [true, undefined],
    ],
  );
});

test('every challenge leaves a record: what was excused before, and all that was asked about a false proof', async () => {
  const { recorder, records } = recorderOf(1e6);
  const first: AuditResult = { ...passed, id: new Uint8Array(32).fill(1) };
  await recorder.record('p', { ...passed, before: [first] });
  assert.deepEqual(
    records.splice(0).map(({ id, final }) => [id[0], final]),
    [
      [1, false],
      [0, true],
    ],
  );
  const { made, requests } = auditor(signedAnswer, [2]);
  const failed = await made.audit(prover, selectionOf(4));
  assert.ok(failed.receipt !== undefined);
  const found = await made.bisect(prover, failed.selection, failed.receipt);
  await recorder.recordParts('p', failed.receipt, found);
  assert.deepEqual(
    records.map(({ id }) => toHex(id)),
    requests.slice(1).map(({ challenge }) => toHex(challengeId(challenge))),
  );
  assert.ok(records.every(({ of }) => toHex(of ?? Uint8Array.of()) === toHex(failed.id)));
  // Of them the proof about the bad shard alone counts.
  assert.deepEqual(
    records.filter(({ final }) => final).map(({ outcome, shards }) => [outcome, shards]),
    [['invalid-proof', 1]],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditRecorder } from '../../../node/audit/audit-recorder.ts';
import type { AuditResult } from '../../../node/audit/auditor.ts';
import { Selection } from '../../../node/audit/selection.ts';
import type { AuditRecord, Kept } from '../../../node/store/audit-receipt-store.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

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

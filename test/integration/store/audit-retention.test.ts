import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNTRIED } from '../../../node/audit/containment.ts';
import { AuditScheduleStore } from '../../../node/store/audit-schedule-store.ts';
import { Table } from '../../../node/store/metadata.ts';
import { concat, u64 } from '../../../protocol/bytes.ts';
import { openTestStores } from '../../helpers/store-home.ts';

const auditOf = (n: number, bytes: number) => ({
  id: new Uint8Array(32).fill(n),
  at: 1000 * n,
  peer: 'anna',
  role: 'auditor' as const,
  outcome: 'passed',
  shards: n,
  milliseconds: 1,
  receipt: new Uint8Array(bytes),
});

test('audits are pruned by bytes, the oldest first, and a flood does not wash evidence out', async (t) => {
  const { audits } = await openTestStores(t);
  const kept = async () => (await Array.fromAsync(audits.list())).map(({ shards }) => shards);
  const small = await audits.put(auditOf(1, 100), { evidence: true });
  const size = await audits.put(auditOf(2, 10_000));
  for (const n of [3, 4, 5]) assert.equal(await audits.put(auditOf(n, 10_000)), size);
  assert.equal(await audits.prune({ records: 100, bytes: 2 * size }), 2);
  assert.deepEqual(await kept(), [5, 4, 1]);
  assert.equal((await Array.fromAsync(audits.evidence())).length, 1);
  assert.equal(await audits.prune({ records: 100, bytes: 2 * size }), 0);
  // One record too large for the rest, and what is older goes with it.
  await audits.put(auditOf(6, 30_000));
  assert.equal(await audits.prune({ records: 100, bytes: 4 * small - 1 }), 4);
  assert.deepEqual(await kept(), []);
});

test('audits that were kept before bytes were noted are measured once', async (t) => {
  const { audits, databases } = await openTestStores(t);
  const kept = async () => (await Array.fromAsync(audits.list())).map(({ shards }) => shards);
  const index = new Table({ database: databases.meta, onDamaged: assert.fail }, 'auditByTime');
  for (const n of [1, 2, 3]) {
    await audits.put(auditOf(n, 10_000), { evidence: n === 1 });
    await databases.meta.write([index.putting(concat(u64(1000 * n), auditOf(n, 0).id))]);
  }
  assert.equal(await audits.prune({ records: 100, bytes: 45_000 }), 0);
  for await (const [, value] of index.entries()) assert.equal(value.length, 5);
  assert.equal(await audits.prune({ records: 1, bytes: 45_000 }), 1);
  assert.deepEqual(await kept(), [3, 1]);
});

test('of what is too old no more goes at once than the span allows', async (t) => {
  const { audits } = await openTestStores(t);
  for (let n = 1; n <= 9; n++) await audits.put(auditOf(n, 1));
  assert.equal(await audits.prune({ records: 100, bytes: 1e6, since: 1e9, span: 2000 }), 2);
  assert.equal(await audits.prune({ records: 100, bytes: 1e6, since: 4000, span: 1e9 }), 1);
});

test('of holders that answer for nothing only suspicion is kept, and of too many that of the last ones', async (t) => {
  const { databases } = await openTestStores(t);
  const schedule = new AuditScheduleStore({ database: databases.meta, onDamaged: assert.fail }, 2);
  const keyOf = (n: number) => new Uint8Array(32).fill(n);
  const cycle = {
    number: 1,
    seed: new Uint8Array(16),
    startedAt: 1,
    shards: 1,
    rank: '',
    index: 0,
    asked: 0,
    restUntil: 0,
  };
  const set = (n: number) => ({ id: new Uint8Array(16), peer: `${n}`, parts: [], since: 1, probe: false, ...UNTRIED });
  // The third is trusted, the last is audited still.
  for (const [n, score] of [1, 1, 0, 1, 1, 1].entries()) {
    await schedule.begin(set(n), keyOf(n), cycle);
    await schedule.settle(set(n), keyOf(n), { again: [], suspicion: { score, answeredAt: 100 - n } });
  }
  const known = async () => {
    const all = await Promise.all([0, 1, 2, 3, 4, 5].map((n) => schedule.suspicionOf(keyOf(n))));
    return [...all.keys()].filter((n) => all[n] !== undefined);
  };
  await schedule.forget(keyOf(2));
  assert.deepEqual(await known(), [0, 1, 3, 4, 5]);
  for (const n of [0, 1, 3, 4]) await schedule.forget(keyOf(n));
  assert.deepEqual(await known(), [0, 1, 5]);
});

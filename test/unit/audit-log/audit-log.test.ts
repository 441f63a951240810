import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditLog } from '../../../node/audit-log/audit-log.ts';
import { decodeEntry, type LogEntry } from '../../../node/audit-log/entry.ts';
import type { LogVerification } from '../../../node/audit-log/verification.ts';
import { identityFromSeed } from '../../../node/identity/identity.ts';
import { silentLogger } from '../../../node/log.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { MemoryLog } from '../../helpers/memory-log.ts';

const signer = identityFromSeed(new Uint8Array(32).fill(3));
const DAY_MS = 24 * 60 * 60_000;
const never = new AbortController().signal;

function logOn(store: MemoryLog, options: { clock?: ManualClock; keepMs?: number; maxBytes?: number } = {}) {
  const { clock = new ManualClock(), keepMs = 365 * DAY_MS, maxBytes = 1e9 } = options;
  const errors: string[] = [];
  const log = { ...silentLogger, error: (message: string) => void errors.push(message) };
  return { log: new AuditLog({ store, signer, clock, log, retention: { keepMs, maxBytes } }), clock, errors };
}

function entries(store: MemoryLog): LogEntry[] {
  return [...store.stored]
    .sort(([a], [b]) => a - b)
    .map(([, bytes]) => {
      const entry = decodeEntry(bytes);
      assert.ok(typeof entry === 'object');
      return entry;
    });
}

const typesOf = (store: MemoryLog) => entries(store).map(({ type }) => type);

async function verified(log: AuditLog): Promise<LogVerification> {
  const found = await log.verify(undefined, never);
  assert.equal(found.problem, undefined);
  return found;
}

test('events recorded before the start are kept, and start and stop leave signed checkpoints', async () => {
  const store = new MemoryLog();
  const { log } = logOn(store);
  log.record('audit', { outcome: 'passed' });
  await log.start();
  await log.append({ type: 'ban', data: { peer: 'p' } });
  log.record('release', { root: 'r' });
  await log.stop();
  assert.deepEqual(typesOf(store), ['audit', 'checkpoint', 'ban', 'release', 'checkpoint']);
  const again = logOn(store);
  await again.log.start();
  await again.log.append({ type: 'admin', data: {} });
  const found = await verified(again.log);
  assert.equal(found.last?.seq, 7);
  assert.deepEqual(found.checkpoint?.after, 1);
  await again.log.stop();
});

test('what comes while a batch is being written shares the next one', async () => {
  const store = new MemoryLog();
  const { log } = logOn(store);
  await log.start();
  await log.append({ type: 'start', data: {} });
  const before = store.changes;
  const first = log.append({ type: 'audit', data: { n: 0 } });
  await Promise.all([first, ...Array.from({ length: 20 }, (_, n) => log.append({ type: 'audit', data: { n } }))]);
  assert.ok(store.changes - before <= 2);
  await log.stop();
});

test('a thousand entries are followed by a checkpoint, and an hour with any is too', async () => {
  const store = new MemoryLog();
  const { log, clock } = logOn(store);
  await log.start();
  for (let n = 0; n < 1200; n++) log.record('audit', { n });
  await log.append({ type: 'audit', data: { n: 1200 } });
  assert.equal(typesOf(store).filter((type) => type === 'checkpoint').length, 2);
  await clock.advance(60 * 60_000);
  await log.append({ type: 'audit', data: {} });
  assert.equal(typesOf(store).filter((type) => type === 'checkpoint').length, 3);
  await verified(log);
  await log.stop();
});

for (const kept of [false, true]) {
  test(`a write that failed is tried again without a gap${kept ? ', although the database had kept it' : ''}`, async () => {
    const store = new MemoryLog();
    const { log, clock, errors } = logOn(store);
    await log.start();
    await log.append({ type: 'audit', data: { n: 1 } });
    store.failure = { error: new Error('disk full'), kept };
    await assert.rejects(log.append({ type: 'audit', data: { n: 2 } }), /disk full/);
    log.record('audit', { n: 3 });
    assert.equal(errors[0], 'the security log cannot be written');
    store.failure = undefined;
    await clock.advance(30_000);
    await log.append({ type: 'audit', data: { n: 4 } });
    const numbers = entries(store).flatMap(({ data }) => (typeof data.n === 'number' ? [data.n] : []));
    assert.deepEqual([...new Set(numbers)], [1, 2, 3, 4]);
    await verified(log);
    await log.stop();
  });
}

test('a full queue takes no more, and the log says how many are missing', async () => {
  const store = new MemoryLog();
  const { log } = logOn(store);
  await log.start();
  await log.append({ type: 'start', data: {} });
  const { promise, resolve } = Promise.withResolvers<void>();
  store.beforeChange = () => promise;
  for (let n = 0; n < 5000; n++) log.record('audit', { n });
  await assert.rejects(log.append({ type: 'audit', data: {} }), { code: 'log-queue-full' });
  resolve();
  await log.stop();
  const dropped = entries(store).filter(({ type }) => type === 'dropped');
  assert.deepEqual(
    dropped.map(({ data }) => data.events),
    [5001 - 4096],
  );
  await assert.rejects(log.append({ type: 'audit', data: {} }), { code: 'log-stopped' });
});

test('entries beyond their time go, and a signed anchor says where the log begins', async () => {
  const store = new MemoryLog();
  const { log, clock } = logOn(store, { keepMs: 10 * DAY_MS });
  await log.start();
  for (let day = 0; day < 30; day++) {
    await log.append({ type: 'audit', data: { day } });
    for (let hour = 0; hour < 24; hour++) await clock.advance(60 * 60_000);
  }
  const days = entries(store).flatMap(({ data }) => (typeof data.day === 'number' ? [data.day] : []));
  assert.deepEqual(days, [20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
  const found = await verified(log);
  assert.equal(found.pruned?.through, (found.first?.seq ?? 0) - 1);
  await log.stop();
});

test('a log that is too large loses its oldest entries before their time', async () => {
  const store = new MemoryLog();
  const { log } = logOn(store, { maxBytes: 50_000 });
  await log.start();
  for (let n = 0; n < 1000; n++) await log.append({ type: 'audit', data: { n, text: 'x'.repeat(100) } });
  const bytes = [...store.stored.values()].reduce((total, { length }) => total + length, 0);
  assert.ok(bytes <= 50_000 && bytes > 40_000, `${bytes} bytes`);
  assert.equal(entries(store).findLast(({ type }) => type === 'audit')?.data.n, 999);
  await verified(log);
  await log.stop();
});

test('nothing is pruned while the log is being verified', async () => {
  const store = new MemoryLog();
  const { log, clock } = logOn(store, { keepMs: DAY_MS });
  await log.start();
  for (let n = 0; n < 5; n++) await log.append({ type: 'audit', data: { n } });
  const { promise, resolve } = Promise.withResolvers<void>();
  const records = store.records.bind(store);
  store.records = async function* (options) {
    yield* records(options);
    await promise;
  };
  const verifying = log.verify(undefined, never);
  await clock.advance(2 * DAY_MS);
  await log.append({ type: 'audit', data: { n: 5 } });
  assert.equal(store.stored.has(1), true);
  resolve();
  assert.equal((await verifying).ok, true);
  await log.stop();
  assert.equal(store.stored.has(1), false);
});

test('a log that was changed while the node was stopped stays broken', async () => {
  const change: [string, (store: MemoryLog) => void][] = [
    ['its end cut off', (store) => void store.stored.delete(4)],
    [
      'its head gone',
      (store) => {
        store.storedHead = undefined;
      },
    ],
    [
      'its head damaged',
      (store) => {
        (store.storedHead as Uint8Array)[40] = 0;
      },
    ],
    ['its entries gone', (store) => store.stored.clear()],
    ['an entry added', (store) => void store.stored.set(5, store.stored.get(4) as Uint8Array)],
  ];
  for (const [what, apply] of change) {
    const store = new MemoryLog();
    const first = logOn(store);
    await first.log.start();
    for (let n = 0; n < 2; n++) await first.log.append({ type: 'audit', data: { n } });
    await first.log.stop();
    assert.equal(store.stored.size, 4, what);
    apply(store);
    for (let start = 0; start < 2; start++) {
      const { log, errors } = logOn(store);
      await log.start();
      await log.append({ type: 'audit', data: {} });
      assert.equal((await log.verify(undefined, never)).ok, false, what);
      assert.equal(errors.length, start === 0 ? 1 : 0, what);
      await log.stop();
    }
  }
});

test('a wall clock that is ahead for once takes no entries away', async () => {
  const store = new MemoryLog();
  const first = logOn(store, { keepMs: 10 * DAY_MS });
  await first.log.start();
  await first.log.append({ type: 'audit', data: {} });
  first.clock.skew(100 * DAY_MS);
  await first.clock.advance(60 * 60_000);
  await first.log.append({ type: 'audit', data: {} });
  await first.log.stop();
  assert.equal(entries(store)[0]?.seq, 1);
  // Ahead at a start: the entries that it writes are ahead as well.
  const kept = entries(store).length;
  first.clock.skew(100 * DAY_MS);
  const { log } = logOn(store, { keepMs: 150 * DAY_MS, clock: first.clock });
  await log.start();
  await log.append({ type: 'audit', data: {} });
  await log.stop();
  assert.ok(entries(store).length > kept);
  assert.equal(entries(store)[0]?.seq, 1);
});

test('a break stays told of and hides nothing that is altered after it', async () => {
  const store = new MemoryLog();
  const first = logOn(store);
  await first.log.start();
  await first.log.append({ type: 'start', data: {} });
  await first.log.stop();
  store.stored.delete(Math.max(...store.stored.keys()));
  const { log } = logOn(store);
  await log.start();
  for (let n = 0; n < 40; n++) await log.append({ type: 'audit', data: { n } });
  const broken = await log.verify(undefined, never);
  assert.equal(broken.ok, false);
  const kinds = ({ problem, further = [] }: LogVerification) => [problem?.kind, ...further.map(({ kind }) => kind)];
  const before = kinds(broken);
  assert.ok(before.includes('broken-off') && before.length <= 3, before.join());
  const last = Math.max(...store.stored.keys());
  const bytes = store.stored.get(last - 5) as Uint8Array;
  bytes[40] = (bytes[40] as number) ^ 1;
  const altered = await log.verify(undefined, never);
  assert.deepEqual(kinds(altered), [...before, altered.further?.at(-1)?.kind]);
  assert.equal(altered.further?.at(-1)?.seq, last - 5);
  // Every entry, and the gap: more than anybody reads.
  for (const [seq, entry] of store.stored)
    store.stored.set(
      seq,
      entry.map((byte) => byte ^ 1),
    );
  const all = await log.verify(undefined, never);
  assert.equal((all.further?.length ?? 0) + (all.unlisted ?? 0) + 1, all.entries + 1);
  assert.equal(all.further?.length, 31);
  await log.stop();
});

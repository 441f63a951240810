import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { KzgError } from '../../../node/kzg/engine.ts';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import {
  type Ask,
  HOUR,
  heldFile,
  MINUTE,
  release,
  type ScheduledOptions,
  scheduledAudits,
  watch,
} from '../../helpers/scheduled-audits.ts';
import { signerOf } from '../../helpers/signers.ts';
import { openTestStores, temporaryFolder } from '../../helpers/store-home.ts';

const peerOf = (name: string): string => peerIdFromKey(signerOf(name).publicKey);
const CHILD = fileURLToPath(new URL('../../helpers/auditing-child.ts', import.meta.url));
const passing = () => ({ kind: 'passed' }) as const;
const silence = () => ({ kind: 'timed-out', reason: 'no answer' }) as const;

/** Anna holds one slice, Ben three. */
const ANNA = heldFile('anna', 5, 'anna');
const BEN = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => heldFile(`ben ${name}`, 3, 'ben'));
const FILES = [ANNA, ...BEN];

async function begun(t: TestContext, options: Partial<ScheduledOptions> & Pick<ScheduledOptions, 'answer'>) {
  const stores = options.stores ?? (await openTestStores(t));
  if (options.stores === undefined) await watch(stores, options.files ?? FILES);
  const made = scheduledAudits({ stores, files: FILES, ...options });
  await made.scheduler.start();
  t.after(() => made.scheduler.stop());
  return { ...made, stores };
}

const ofPeer = <T extends { peer: string }>(all: readonly T[], name: string): T[] =>
  all.filter(({ peer }) => peer === peerOf(name));

/** Asks of each shard, by count. */
function counts(asks: readonly Ask[]): number[] {
  const seen = new Map<string, number>();
  for (const shard of asks.flatMap(({ shards }) => shards)) seen.set(shard, (seen.get(shard) ?? 0) + 1);
  return [...new Set(seen.values())].sort((a, b) => a - b);
}

test('every shard of every holder once a cycle, a small holder in one question, none before the node has settled', async (t) => {
  const { asks, observed, pass, quiet, stores } = await begun(t, { answer: passing });
  await quiet();
  await (stores.clock as ManualClock).advance(MINUTE - 1);
  assert.equal(asks.length, 0);
  await pass(26 * HOUR, 10 * MINUTE);
  const ben = ofPeer(asks, 'ben');
  const first = ben.slice(0, 3);
  assert.deepEqual(counts(first), [1]);
  assert.equal(first.flatMap(({ shards }) => shards).length, 18);
  assert.ok(ofPeer(asks, 'anna').every(({ shards }) => shards.length === 5));
  assert.ok([1, 2].includes(ofPeer(asks, 'anna').length));
  assert.equal(observed.length, asks.length);
  assert.ok(observed.every(({ outcome, audit }) => outcome === 'passed' && audit?.length === 64));
  assert.equal(new Set(observed.map(({ audit }) => audit)).size, observed.length);
  const records = await Array.fromAsync(stores.audits.list());
  assert.equal(records.length, asks.length);
});

test('a small holder is asked once in each cycle, at a time that it cannot tell', async (t) => {
  const { asks, pass, scheduler } = await begun(t, { answer: passing });
  await pass(6 * 24 * HOUR, HOUR / 2);
  const anna = ofPeer(asks, 'anna');
  const cycles = scheduler.status().find(({ peer }) => peer === peerOf('anna'))?.cycle?.number ?? 0;
  assert.ok(cycles >= 6 && cycles - anna.length <= 1);
  const gaps = anna.slice(1).map(({ at }, i) => (at - anna[i]!.at) / HOUR);
  assert.ok(gaps.some((hours) => hours < 22 || hours > 25));
});

test('a prover reads no more than the cap, however short the cycle', async (t) => {
  // Six shards take eight minutes.
  const readBytesPerSecond = (6 * SHARD_BYTES) / (8 * 60);
  const { asks, pass } = await begun(t, { answer: passing, options: { cycleMs: 2 * MINUTE, readBytesPerSecond } });
  await pass(3 * HOUR);
  for (const name of ['anna', 'ben']) {
    const own = ofPeer(asks, name);
    assert.ok(own.length > 5);
    for (const [i, { at, shards }] of own.entries()) {
      const next = own[i + 1];
      if (next !== undefined) assert.ok(next.at - at >= (1000 * shards.length * SHARD_BYTES) / readBytesPerSecond - 1);
    }
    const perCycle = name === 'ben' ? 3 : 1;
    for (let i = 0; i + perCycle <= own.length; i += perCycle)
      assert.deepEqual(counts(own.slice(i, i + perCycle)), [1]);
  }
});

test('a cycle goes on where a restart found it', async (t) => {
  const clock = new ManualClock();
  const home = await temporaryFolder(t);
  const asks: Ask[] = [];
  const first = await openTestStores(t, { home, clock });
  await watch(first, FILES);
  for (let run = 0; ofPeer(asks, 'ben').length < 3; run++) {
    assert.ok(run < 20);
    const stores = run === 0 ? first : await openTestStores(t, { home, clock, create: false });
    const made = scheduledAudits({ stores, files: FILES, answer: passing });
    await made.scheduler.start();
    const before = asks.length;
    for (let i = 0; i < 20 && asks.length === before; i++) {
      await made.pass(HOUR, 10 * MINUTE);
      asks.push(...made.asks.splice(0));
    }
    await made.scheduler.stop();
    await stores.close();
  }
  const ben = ofPeer(asks, 'ben').slice(0, 3);
  assert.deepEqual(counts(ben), [1]);
  assert.equal(ben.flatMap(({ shards }) => shards).length, 18);
});

test('a stop between question and answer neither excuses nor blames: the same set is asked again', async (t) => {
  const clock = new ManualClock();
  const home = await temporaryFolder(t);
  const before = await openTestStores(t, { home, clock });
  await watch(before, [ANNA]);
  const hanging = scheduledAudits({
    stores: before,
    files: FILES,
    answer: (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  });
  await hanging.scheduler.start();
  const asked = () => hanging.asks.length > 0;
  while (!asked()) {
    await hanging.quiet(asked);
    if (!asked()) await clock.advance(MINUTE);
  }
  await hanging.scheduler.stop();
  await before.close();
  assert.deepEqual(hanging.observed, []);

  const stores = await openTestStores(t, { home, clock, create: false });
  const after = await begun(t, { stores, answer: passing });
  await after.pass(3 * MINUTE);
  assert.deepEqual(
    after.asks.map(({ shards }) => shards),
    hanging.asks.map(({ shards }) => shards),
  );
  assert.deepEqual(
    after.observed.map(({ outcome }) => outcome),
    ['passed'],
  );
  // It was the cycle's question, and the cycle asks it no second time.
  await after.pass(2 * HOUR, 10 * MINUTE);
  assert.equal(after.asks.length, 1);
});

test('killed between noting the question and its answer, the auditor asks it again and had told nothing', async (t) => {
  const home = await temporaryFolder(t);
  const before = await openTestStores(t, { home });
  await watch(before, [ANNA]);
  await before.close();
  const child = spawn(process.execPath, [CHILD, home], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  child.kill('SIGKILL');
  await once(child, 'close');

  const stores = await openTestStores(t, { home, create: false, clock: new ManualClock(Date.now()) });
  const { asks, observed, pass } = await begun(t, { stores, answer: silence });
  await pass(2 * MINUTE);
  assert.equal(`asked ${asks.map(({ shards }) => shards.join()).join(' and ')}`, line);
  // The try before the crash does not count.
  assert.deepEqual(observed, []);
  const [contained] = await Array.fromAsync(stores.auditSchedule.contained());
  assert.equal(contained?.tries, 1);
});

test('silence is contained: three tries of the same set over a quarter of an hour, also across restarts', async (t) => {
  const clock = new ManualClock();
  const home = await temporaryFolder(t);
  const asks: Ask[] = [];
  const outcomes: string[] = [];
  let stores = await openTestStores(t, { home, clock });
  await watch(stores, [ANNA]);
  for (let run = 1; run <= 3; run++) {
    if (run > 1) stores = await openTestStores(t, { home, clock, create: false });
    const away = () => ({ kind: 'unreachable', reason: 'no route' }) as const;
    const made = scheduledAudits({ stores, files: FILES, answer: away });
    await made.scheduler.start();
    for (let i = 0; i < 300 && made.asks.length === 0; i++) await made.pass(MINUTE);
    assert.equal(made.asks.length, 1);
    asks.push(...made.asks);
    outcomes.push(...made.observed.map(({ outcome }) => outcome));
    if (run < 3) assert.deepEqual(outcomes, []);
    await made.scheduler.stop();
    if (run < 3) await stores.close();
  }
  assert.deepEqual(outcomes, ['unreachable']);
  assert.ok(asks[2]!.at - asks[0]!.at >= 15 * MINUTE);
  assert.equal(new Set(asks.map(({ shards }) => shards.join())).size, 1);
  const details = (await Array.fromAsync(stores.audits.list())).map(({ outcome, detail }) => `${outcome}: ${detail}`);
  assert.equal(details.length, 3);
  assert.match(details[2]!, /^unreachable: no route; asked again at /);
  const counted = (await Array.fromAsync(stores.audits.list())).map(({ final }) => final);
  assert.deepEqual(counted, [true, false, false]);
  assert.equal(details[0], 'unreachable: no route');
});

test('a holder that comes back in time is not blamed', async (t) => {
  let tries = 0;
  const answer = () => (++tries < 3 ? silence() : passing());
  const { observed, pass } = await begun(t, { files: FILES, answer });
  await pass(2 * HOUR);
  assert.deepEqual([...new Set(observed.map(({ outcome }) => outcome))], ['passed']);
});

test('who cannot be reached is asked nothing else meanwhile; what was never answered is asked before the rest', async (t) => {
  const { asks, pass, observed } = await begun(t, {
    answer: ({ peer }) => (peer === peerOf('ben') ? { kind: 'unreachable', reason: 'off' } : passing()),
    options: { cycleMs: 2 * HOUR },
  });
  await pass(40 * MINUTE);
  const ben = ofPeer(asks, 'ben');
  assert.ok(ben.length >= 3);
  assert.equal(new Set(ben.slice(0, 3).map(({ shards }) => shards.join())).size, 1);
  assert.ok(ofPeer(observed, 'ben').length <= 1 + Math.floor(40 / 15));
});

test('a busy prover is asked again when it says, and busy for ever is no answer', async (t) => {
  const clock = new ManualClock();
  const stores = await openTestStores(t, { clock });
  await watch(stores, [ANNA]);
  const answer = () => ({ kind: 'refused-busy', until: clock.now() + 2 * MINUTE }) as const;
  const { asks, observed, pass } = await begun(t, { stores, answer });
  await pass(3 * HOUR);
  assert.deepEqual(
    ofPeer(observed, 'anna').map(({ outcome, detail }) => [outcome, detail]),
    [['timed-out', 'busy at each of 10 questions']],
  );
  const [newest, before] = await Array.fromAsync(stores.audits.list());
  assert.deepEqual([newest?.outcome, before?.outcome], ['timed-out', 'refused-busy']);
  for (let i = 1; i < 10; i++) assert.ok(asks[i]!.at - asks[i - 1]!.at >= 2 * MINUTE);
});

test('who is busy for ever is asked about no more often for it', async (t) => {
  const clock = new ManualClock();
  const stores = await openTestStores(t, { clock });
  await watch(stores, [ANNA]);
  const answer = () => ({ kind: 'refused-busy', until: clock.now() + 5 * HOUR }) as const;
  const { asks, observed, pass, scheduler } = await begun(t, { stores, answer });
  await pass(28 * HOUR, 10 * MINUTE);
  assert.deepEqual(
    ofPeer(observed, 'anna').map(({ outcome }) => outcome),
    ['timed-out'],
  );
  const [first, second] = asks;
  assert.ok(second!.at - first!.at >= 5 * HOUR);
  assert.deepEqual(
    scheduler.status().map(({ suspicion }) => suspicion.score),
    [0],
  );
});

test('a file that is released while its holder is silent is asked about no more', async (t) => {
  const { asks, observed, pass, stores, scheduler } = await begun(t, { answer: silence });
  while (ofPeer(asks, 'anna').length === 0) await pass(MINUTE);
  await release(stores, ANNA);
  await pass(HOUR);
  assert.equal(ofPeer(asks, 'anna').length, 1);
  assert.deepEqual(ofPeer(observed, 'anna'), []);
  assert.ok(!scheduler.status().some(({ peer }) => peer === peerOf('anna')));
  assert.deepEqual(
    (await Array.fromAsync(stores.auditSchedule.contained())).filter(({ peer }) => peer === peerOf('anna')),
    [],
  );
});

test('a silence is not forgotten because a manifest is out of reach', async (t) => {
  const held = heldFile('anna too', 2, 'anna');
  const files = [ANNA, held];
  const { asks, observed, pass, stores } = await begun(t, {
    files,
    answer: ({ shards }) => (shards.some((name) => name.startsWith(`${ANNA.receipt.root}`)) ? silence() : passing()),
  });
  while (ofPeer(asks, 'anna').length === 0) await pass(MINUTE);
  const before = asks.length;
  files.splice(files.indexOf(ANNA), 1);
  // What is within reach is asked about all the same.
  await pass(2 * HOUR, 5 * MINUTE);
  assert.ok(asks.length > before);
  assert.ok(asks.slice(before).every(({ shards }) => shards.every((name) => name.startsWith(`${held.receipt.root}`))));
  const [waiting] = await Array.fromAsync(stores.auditSchedule.contained());
  assert.deepEqual(
    waiting?.parts.map(({ root }) => root),
    [ANNA.receipt.root],
  );
  files.push(ANNA);
  await pass(2 * HOUR, 5 * MINUTE);
  assert.ok(ofPeer(observed, 'anna').some(({ outcome }) => outcome === 'timed-out'));
});

test('a new holder is audited within an hour of being noticed; one whose manifest is not here is not', async (t) => {
  const carl = heldFile('carl', 2, 'carl');
  const dora = heldFile('dora', 2, 'dora');
  const stores = await openTestStores(t);
  await watch(stores, FILES);
  const { asks, pass } = await begun(t, { stores, files: [...FILES, carl], answer: passing });
  await pass(5 * MINUTE);
  await watch(stores, [carl, dora]);
  await pass(HOUR + 2 * MINUTE);
  assert.deepEqual(
    ofPeer(asks, 'carl').map(({ shards }) => shards.length),
    [2],
  );
  assert.equal(ofPeer(asks, 'dora').length, 0);
});

test('what fails here blames nobody, and is tried again', async (t) => {
  let failures = 0;
  const { asks, observed, pass } = await begun(t, {
    answer: ({ peer }) => {
      if (peer === peerOf('anna') && failures++ < 2) throw new KzgError({ code: 'queue-full', limit: 1 }, 'full');
      return passing();
    },
  });
  await pass(2 * HOUR);
  assert.equal(ofPeer(asks, 'anna').length, 3);
  assert.deepEqual(
    ofPeer(observed, 'anna').map(({ outcome }) => outcome),
    ['passed'],
  );
});

test('an observation that cannot be taken is made again with another challenge', async (t) => {
  let refused = 0;
  const { asks, observed, pass } = await begun(t, {
    answer: passing,
    onObserved: async ({ peer }) => {
      if (peer === peerOf('anna') && refused++ === 0) throw new Error('the database is full');
    },
  });
  await pass(2 * HOUR);
  assert.equal(ofPeer(asks, 'anna').length, 2);
  assert.equal(ofPeer(observed, 'anna').length, 1);
});

test('a manifest that cannot be used is said once, as the fault of this node', async (t) => {
  const { observed, asks, pass } = await begun(t, {
    answer: ({ peer }) => {
      if (peer !== peerOf('anna')) return passing();
      throw new KzgError({ code: 'invalid-commitment', index: 0, reason: 'r' }, 'no point');
    },
  });
  await pass(2 * HOUR);
  const [fault, ...more] = ofPeer(observed, 'anna');
  assert.deepEqual([fault?.outcome, fault?.detail, fault?.audit, more], ['auditor-fault', 'no point', undefined, []]);
  assert.equal(ofPeer(asks, 'anna').length, 1);
});

test('a holder whose proof failed is audited sooner', async (t) => {
  let failed = false;
  const { asks, pass } = await begun(t, {
    answer: ({ peer }) => {
      if (peer !== peerOf('anna') || failed) return passing();
      failed = true;
      return { kind: 'invalid-proof' };
    },
  });
  await pass(14 * HOUR, 10 * MINUTE);
  assert.ok(ofPeer(asks, 'anna').length >= 2);
});

test('what an audit on demand found makes a holder suspect, unless it was only silence', async (t) => {
  const { asks, pass, scheduler } = await begun(t, { answer: passing });
  await pass(2 * HOUR, 10 * MINUTE);
  const anna = scheduler.status().find(({ peer }) => peer === peerOf('anna'));
  scheduler.learned(peerOf('anna'), 'timed-out');
  scheduler.learned(peerOf('nobody'), 'invalid-proof');
  assert.equal(anna?.suspicion.score, 0);
  scheduler.learned(peerOf('anna'), 'invalid-proof');
  assert.equal(anna?.suspicion.score, 3);
  const before = ofPeer(asks, 'anna').length;
  await pass(12 * HOUR, 10 * MINUTE);
  assert.ok(ofPeer(asks, 'anna').length > before);
});

test('beyond seven days a holder is shown as under-audited', async (t) => {
  const readBytesPerSecond = (18 * SHARD_BYTES) / (8 * 24 * 3600);
  const { scheduler, pass } = await begun(t, { answer: passing, options: { readBytesPerSecond } });
  await pass(2 * HOUR, 10 * MINUTE);
  const rows = scheduler.status().map((holder) => [holder.peer, holder.isUnderAudited(0, scheduler.rules)] as const);
  assert.deepEqual(new Map(rows).get(peerOf('ben')), true);
  assert.deepEqual(new Map(rows).get(peerOf('anna')), false);
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import {
  HOUR,
  heldFile,
  MINUTE,
  type ScheduledOptions,
  scheduledAudits,
  watch,
} from '../../helpers/scheduled-audits.ts';
import { signerOf } from '../../helpers/signers.ts';
import { openTestStores, temporaryFolder } from '../../helpers/store-home.ts';

const peerOf = (name: string): string => peerIdFromKey(signerOf(name).publicKey);
const passing = () => ({ kind: 'passed' }) as const;
const silence = () => ({ kind: 'timed-out', reason: 'no answer' }) as const;

const ANNA = heldFile('anna', 5, 'anna');
const FILES = [ANNA, ...['a', 'b', 'c'].map((name) => heldFile(`ben ${name}`, 3, 'ben'))];

async function begun(t: TestContext, answer: ScheduledOptions['answer'], more: Partial<ScheduledOptions> = {}) {
  const stores = await openTestStores(t);
  await watch(stores, FILES);
  const made = scheduledAudits({ stores, files: FILES, answer, ...more });
  await made.scheduler.start();
  t.after(() => made.scheduler.stop());
  return { ...made, stores };
}

const ofPeer = <T extends { peer: string }>(all: readonly T[], name: string): T[] =>
  all.filter(({ peer }) => peer === peerOf(name));

test('one shard about which a holder is silent is found and named, and the silence is observed once', async (t) => {
  const shard = `${ANNA.receipt.root} 3`;
  const { observed, silent, pass, asks } = await begun(t, ({ shards }) =>
    shards.includes(shard) ? silence() : passing(),
  );
  await pass(3 * HOUR);
  assert.deepEqual(
    silent.map(({ root, index }) => `${root} ${index}`),
    [shard],
  );
  const anna = ofPeer(observed, 'anna');
  assert.equal(anna.filter(({ outcome }) => outcome === 'timed-out').length, 1);
  assert.ok(anna.filter(({ outcome }) => outcome === 'passed').length >= 2);
  // Bounded: the set three times, and its parts twice, the last one three times, and as often twice more.
  assert.ok(ofPeer(asks, 'anna').length <= 3 + 3 * 2 * 2 + 3 * 3);
});

test('silence about a shard lasts until it is answered, whatever else is; the shard is named once', async (t) => {
  const shard = `${ANNA.receipt.root} 3`;
  let lost = true;
  const { observed, silent, pass, asks, stores } = await begun(t, ({ shards }) =>
    lost && shards.includes(shard) ? silence() : passing(),
  );
  await pass(20 * HOUR, 5 * MINUTE);
  const anna = ofPeer(observed, 'anna');
  const first = anna.findIndex(({ outcome }) => outcome === 'timed-out');
  assert.ok(anna.length > first + 2 && anna.slice(first).every(({ unanswered }) => unanswered));
  assert.ok(ofPeer(observed, 'ben').every(({ unanswered }) => unanswered === false));
  const alone = () => ofPeer(asks, 'anna').filter(({ shards }) => shards.length === 1 && shards[0] === shard).length;
  // Found with three tries, and asked about with as many ever more rarely.
  assert.ok(alone() > 6 && alone() <= 45);
  assert.equal(silent.length, 1);
  assert.equal((await Array.fromAsync(stores.auditSchedule.contained())).length, 1);
  lost = false;
  await pass(8 * HOUR, 5 * MINUTE);
  const end = ofPeer(observed, 'anna').at(-1);
  assert.deepEqual([end?.outcome, end?.unanswered], ['passed', false]);
  assert.deepEqual(await Array.fromAsync(stores.auditSchedule.contained()), []);
});

test('who answers nothing at all is not asked about ever smaller parts', async (t) => {
  const { asks, silent, pass } = await begun(t, silence);
  await pass(3 * HOUR);
  // The set, three times, and its halves, twice each, now and then.
  const sizes = ofPeer(asks, 'anna').map(({ shards }) => shards.length);
  assert.deepEqual([...new Set(sizes)].toSorted(), [2, 3, 5]);
  assert.equal(sizes.filter((size) => size === 5).length, 3);
  assert.ok(sizes.length >= 3 + 3 * 2 * 2 && sizes.length <= 3 + 5 * 2 * 2);
  assert.deepEqual(silent, []);
});

test('while this node is connected to nobody, those it does not reach are not charged; who is back is asked again', async (t) => {
  const away = () => ({ kind: 'unreachable', reason: 'no route' }) as const;
  let [isDown, isCutOff] = [true, true];
  const { asks, observed, pass, scheduler } = await begun(t, () => (isDown ? away() : passing()), {
    isCutOff: () => isCutOff,
  });
  await pass(5 * HOUR, 5 * MINUTE);
  assert.ok(ofPeer(asks, 'anna').length > 3);
  assert.equal(observed.length, 0);
  isCutOff = false;
  await pass(HOUR);
  assert.deepEqual(
    ofPeer(observed, 'anna').map(({ outcome, unanswered }) => [outcome, unanswered]),
    [['unreachable', true]],
  );
  isDown = false;
  scheduler.connected(peerOf('anna'));
  // What is being tried then is tried again soon.
  await pass(20 * MINUTE);
  const end = ofPeer(observed, 'anna').at(-1);
  assert.deepEqual([end?.outcome, end?.unanswered], ['passed', false]);
});

test('who answers nothing at all is silent until it answers, also after a restart', async (t) => {
  const clock = new ManualClock();
  const home = await temporaryFolder(t);
  let stores = await openTestStores(t, { home, clock });
  await watch(stores, [ANNA]);
  const run = async (answer: ScheduledOptions['answer'], hours: number) => {
    const made = scheduledAudits({ stores, files: FILES, answer });
    const isSilent = () => made.scheduler.silentSince(peerOf('anna'), ANNA.receipt.segment) !== undefined;
    await made.scheduler.start();
    const atStart = isSilent();
    await made.pass(hours * HOUR, 5 * MINUTE);
    await made.scheduler.stop();
    await stores.close();
    stores = await openTestStores(t, { home, clock, create: false });
    return [atStart, isSilent()];
  };
  assert.deepEqual(await run(silence, 6), [false, true]);
  assert.deepEqual(await run(silence, 1), [true, true]);
  assert.deepEqual(await run(passing, 8), [true, false]);
});

test('who is busy for ever whenever one shard is asked about is silent about its segment, and not about the others', async (t) => {
  const ben = FILES.filter((file) => file !== ANNA);
  const [held] = ben as [(typeof ben)[number]];
  const shard = `${held.receipt.root} 1`;
  const clock = new ManualClock();
  const stores = await openTestStores(t, { clock });
  await watch(stores, FILES);
  let lost = true;
  const { scheduler, observed, pass } = scheduledAudits({
    stores,
    files: FILES,
    answer: ({ shards }) =>
      lost && shards.includes(shard) ? { kind: 'refused-busy', until: clock.now() + MINUTE } : passing(),
  });
  await scheduler.start();
  t.after(() => scheduler.stop());
  const silent = () => ben.filter(({ receipt }) => scheduler.silentSince(peerOf('ben'), receipt.segment) !== undefined);
  const isSilent = () => silent().includes(held);
  for (let hours = 0; hours < 30 && !isSilent(); hours++) await pass(HOUR, 5 * MINUTE);
  assert.ok(isSilent() && silent().length < ben.length);
  // All the while it answers about the rest.
  await pass(24 * HOUR, 10 * MINUTE);
  assert.ok(isSilent());
  assert.ok(ofPeer(observed, 'ben').some(({ outcome }) => outcome === 'passed'));
  lost = false;
  await pass(8 * HOUR, 10 * MINUTE);
  assert.deepEqual(silent(), []);
});

test('who cannot be reached is not silent', async (t) => {
  const { scheduler, asks, pass } = await begun(t, () => ({ kind: 'unreachable', reason: 'off' }));
  await pass(6 * HOUR, 5 * MINUTE);
  assert.ok(ofPeer(asks, 'anna').length > 3);
  assert.equal(scheduler.silentSince(peerOf('anna'), ANNA.receipt.segment), undefined);
});

test('who goes away after a question is silent about it', async (t) => {
  let asked = 0;
  const { scheduler, pass } = await begun(t, ({ peer }) =>
    peer === peerOf('anna') && asked++ % 3 === 2 ? ({ kind: 'unreachable', reason: 'off' } as const) : silence(),
  );
  await pass(2 * HOUR);
  assert.notEqual(scheduler.silentSince(peerOf('anna'), ANNA.receipt.segment), undefined);
});

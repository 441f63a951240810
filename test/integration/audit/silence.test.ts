import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import {
  HOUR,
  heldFile,
  MINUTE,
  type ScheduledOptions,
  scheduledAudits,
  watch,
} from '../../helpers/scheduled-audits.ts';
import { signerOf } from '../../helpers/signers.ts';
import { openTestStores } from '../../helpers/store-home.ts';

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
  // Bounded: the set three times, and its parts twice, the last one three times.
  assert.ok(ofPeer(asks, 'anna').length <= 3 + 3 * 2 * 2 + 3);
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
  // Found with three tries, and asked about with as many each six hours and some.
  assert.ok(alone() > 6 && alone() <= 12);
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
  // The set, three times, and its halves, twice each.
  assert.equal(ofPeer(asks, 'anna').length, 3 + 2 * 2);
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
  await pass(MINUTE);
  const end = ofPeer(observed, 'anna').at(-1);
  assert.deepEqual([end?.outcome, end?.unanswered], ['passed', false]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { HOUR, heldFile, MINUTE, scheduledAudits, watch } from '../../helpers/scheduled-audits.ts';
import { signerOf } from '../../helpers/signers.ts';
import { openTestStores } from '../../helpers/store-home.ts';

const peerOf = (name: string): string => peerIdFromKey(signerOf(name).publicKey);
/** Anna holds one slice, Ben three. */
const FILES = [
  heldFile('anna', 5, 'anna'),
  ...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => heldFile(`ben ${name}`, 3, 'ben')),
];

test('a clock that was a year ahead and is set back puts nothing off', async (t) => {
  const clock = new ManualClock();
  const stores = await openTestStores(t, { clock });
  await watch(stores, FILES);
  const answer = () => ({ kind: 'passed' }) as const;
  const { asks, pass, scheduler } = scheduledAudits({ stores, files: FILES, answer });
  await scheduler.start();
  t.after(() => scheduler.stop());
  const of = (all: typeof asks, name: string) => all.filter(({ peer }) => peer === peerOf(name)).length;
  clock.skew(365 * 24 * HOUR);
  await pass(2 * HOUR, 10 * MINUTE);
  clock.skew(-365 * 24 * HOUR);
  const before = asks.length;
  await pass(26 * HOUR, 10 * MINUTE);
  const after = asks.slice(before);
  assert.ok(of(after, 'anna') >= 1);
  assert.ok(of(after, 'ben') >= 2 && after.length <= 10);
  assert.ok(scheduler.status().every(({ cycle }) => (cycle?.startedAt ?? 0) <= clock.now()));
});

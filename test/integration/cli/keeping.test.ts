import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { clearFresh } from '../../../node/config/fresh-home.ts';
import { homePaths } from '../../../node/config/home.ts';
import { damageShard } from '../../../node/store/lab-faults.ts';
import { cidOf, openTestStores, shards, stageAll } from '../../helpers/store-home.ts';
import { folders, folderWithNode } from './cli-fixture.ts';

test('leave hands over and stops the node; what remains keeps it running and is exit code 3', async (t) => {
  const { run, home, services } = await folderWithNode(t);
  const failures = [{ root: 'bafyroot', segment: 'bafysegment', shards: 1, reason: 'no\u001b[2J space' }];
  const remains = { ...services.leaveReport, placed: 1, remaining: 1, failures };
  const complete = services.leaveReport;

  services.leaveReport = remains;
  const stays = await run(['leave', '--timeout', '7']);
  assert.deepEqual([stays.code, services.leaves, services.shutdowns], [3, [7000], 0]);
  assert.match(stays.stdout, /^1 of 3 shards handed over .*1 with others already\n.*remain: no\ufffd\[2J space\n/);
  assert.match(stays.stdout, /1 shard remain.*run `holdfast leave` again.*--cancel/);
  services.leaveReport = { ...remains, timedOut: true };
  assert.equal((await run(['leave', '-q'])).code, 62);
  assert.equal(JSON.parse((await run(['status', '--json'])).stdout).leaving, true);
  assert.equal((await run(['leave', '--cancel'])).code, 0);
  assert.equal(services.leaving, false);

  services.leaveReport = complete;
  const runsOn = await run(['leave', '--no-shutdown', '--json']);
  assert.deepEqual([runsOn.code, JSON.parse(runsOn.stdout)], [0, { ...complete, stopped: false }]);
  services.put(Buffer.from('x'), { kind: 'file', name: 'mine' });
  Object.assign(services.node, { requestShutdown: () => rm(homePaths(home).api) });
  const left = await run(['leave']);
  assert.equal(left.code, 0);
  assert.match(left.stdout, /the node has stopped\n$/);
  assert.match(left.stderr, /^warning: 1 file of this node stay.*keep their links\n$/);
});

test('doctor --scrub reads through the running node; damage is exit code 5', async (t) => {
  const { run, services } = await folderWithNode(t);
  const scrubOf = (text: string) =>
    (JSON.parse(text).findings as { name: string }[]).find(({ name }) => name === 'scrub');
  const whole = await run(['doctor', '--scrub', '--json']);
  assert.partialDeepStrictEqual(scrubOf(whole.stdout), {
    state: 'ok',
    detail: '3 shards read (384 KiB), none damaged',
  });
  services.damagedShards = 1;
  const damaged = await run(['doctor', '--scrub', '--json']);
  assert.equal(damaged.code, 5);
  assert.partialDeepStrictEqual(scrubOf(damaged.stdout), { state: 'failed' });
  assert.match((await run(['status'])).stdout, /^scrub +3 shards read by 1970.*1 damaged; next/m);
});

test('doctor --scrub reads what a stopped node stores and notes the damage for its next start', async (t) => {
  const { run, home } = await folders(t);
  await run(['init']);
  const env = {
    HOLDFAST_API_PORT: '0',
    HOLDFAST_NETWORK_LISTEN: '/ip4/127.0.0.1/tcp/0',
    HOLDFAST_STORAGE_CAPACITY: '16MiB',
  };
  assert.match((await run(['doctor', '--scrub'], { env })).stdout, /^ok +scrub +nothing is stored yet$/m);
  const stores = await openTestStores(t, { home });
  const [a, b] = shards(2);
  await stageAll(stores, 'alice', [a!, b!]);
  const entries = [a!, b!].map(({ id }, index) => ({ index, id }));
  await stores.shards.reference('alice', cidOf('root'), cidOf('segment'), entries);
  await damageShard(stores, b!.id);
  await stores.close();
  await clearFresh(home);
  const found = await run(['doctor', '--scrub'], { env });
  assert.equal(found.code, 5, found.stdout + found.stderr);
  assert.match(found.stdout, /^FAILED +scrub +2 shards read.*1 damaged/m);
  const again = await run(['doctor', '--scrub'], { env });
  assert.deepEqual([again.code, /^ok +scrub +1 shard read/m.test(again.stdout)], [0, true]);
  const reopened = await openTestStores(t, { home, create: false });
  assert.equal((await Array.fromAsync(reopened.shards.damaged())).length, 1);
});

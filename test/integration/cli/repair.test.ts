import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folders, folderWithNode } from './cli-fixture.ts';

const ROOT = `bafyrei${'a'.repeat(52)}`;

test('repair ls lists what waits and runs; an alarm ends it with exit code 4', async (t) => {
  const { run, services } = await folderWithNode(t);
  const listed = await run(['repair', 'ls']);
  assert.equal(listed.code, 0);
  assert.match(listed.stdout, /^2 files watched; since the start 1 repaired, 0 failed, 3 shards placed$/m);
  assert.doesNotMatch((await run(['status'])).stdout, /^alarm/m);
  assert.match(listed.stdout, new RegExp(`^ +${ROOT} +segment 1 +3 stripes +margin 1 +about 42 days to loss$`, 'm'));
  const sums = { stripes: 1, placed: 0, fetched: 4, sent: 0 };
  const result = { root: ROOT, segment: 3, startedAt: 0, milliseconds: 1000, outcome: 'no-place' as const, ...sums };
  const alarms = [{ root: ROOT, segment: 2, stripes: 1 }];
  services.overview = { ...services.overview, alarms, results: [result] };
  const alarmed = await run(['repair', 'ls']);
  assert.equal(alarmed.code, 4);
  assert.match(alarmed.stdout, /segment 2 +1 stripe cannot be rebuilt/);
  assert.match(alarmed.stdout, /^ended\n.* segment 3 +no-place +0 shards placed, 4 fetched/m);
  assert.match((await run(['status'])).stdout, /^alarm +1 file cannot be rebuilt now: see `holdfast repair ls`$/m);
  assert.equal((await run(['repair', 'ls', '-q'])).stdout, `${ROOT}\n`);
  assert.deepEqual(JSON.parse((await run(['repair', 'ls', '--json'])).stdout), services.overview);
});

test('repair run rebuilds one file or all; what came of it is the exit code', async (t) => {
  const { run, services } = await folderWithNode(t);
  const done = await run(['repair', 'run', `holdfast:${ROOT}`]);
  assert.equal(done.code, 0);
  assert.match(done.stdout, /segment 0 +done +3 shards placed, 12 fetched +1\.5 s$/m);
  assert.equal((await run(['repair', 'run', '--all'])).code, 0);
  assert.deepEqual(services.repaired, [ROOT, undefined]);
  for (const [outcome, code] of [
    ['not-needed', 0],
    ['cancelled', 0],
    ['no-place', 3],
    ['impossible', 4],
    ['failed', 1],
  ] as const) {
    services.repairOutcome = outcome;
    const ended = await run(['repair', 'run', '--all', '-q']);
    assert.deepEqual([ended.code, ended.stdout], [code, `${outcome}\n`]);
  }
  assert.equal((await run(['repair', 'run'])).code, 64);
  assert.equal((await run(['repair', 'run', `holdfast:${ROOT}`, '--all'])).code, 64);
  assert.equal((await (await folders(t)).run(['repair', 'ls'])).code, 6);
});

test('check --repair repairs, and says how the file stands then', async (t) => {
  const { run, services } = await folderWithNode(t);
  const { link } = services.put(Buffer.from('x'), { kind: 'file', name: 'notes' });
  services.auditOutcome = 'declared-lost';
  assert.equal((await run(['check', link])).code, 3);
  const checked = await run(['check', link, '--repair']);
  assert.equal(checked.code, 0, 'what was lost is there again');
  assert.match(checked.stdout, /^ +repair +segment 0 +done +3 shards placed/m);
  assert.equal(services.repaired.length, 1);
  services.auditOutcome = 'invalid-proof';
  assert.equal((await run(['check', link, '--repair'])).code, 5);
  services.verdict = 'lost';
  services.auditOutcome = 'passed';
  assert.equal((await run(['check', link, '--repair'])).code, 4);
});

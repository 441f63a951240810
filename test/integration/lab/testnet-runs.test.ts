import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { LabReport } from '../../../node/lab/record/lab-report.ts';
import { runCli } from '../../helpers/cli-process.ts';
import { parsedPage } from '../../helpers/page-structure.ts';
import { Testnet } from '../../helpers/testnet.ts';
import { until } from '../../helpers/until.ts';

/** A few seconds, where nothing else takes the processors. */
const SCENARIO_LIMIT_MS = 220_000;

suite('runs of holdfast testnet up', () => {
  let work: string;
  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'holdfast-testnet-'));
  });
  after(() => rm(work, { recursive: true, force: true }));

  test('processes: a killed lab leaves no node behind, the next one cleans up, Ctrl-C leaves nothing', async (t) => {
    const folder = join(work, 'processes');
    const crashed = await Testnet.up(folder, '--nodes', '4', '--processes', '--code', '2+1');
    t.after(() => crashed.end('SIGKILL'));
    const pids = crashed.ready.nodes.map(({ pid }) => pid as number);
    assert.equal(new Set(pids).size, 4);
    const file = join(work, 'small');
    // Two data shards and one of parity: each of the others holds one.
    await writeFile(file, randomBytes(200_000));
    const added = await crashed.at(1, ['add', '-q', file]);
    assert.equal(added.code, 0, added.stderr);
    await crashed.ok('kill', '2');
    assert.throws(() => process.kill(pids[1] as number, 0), { code: 'ESRCH' });
    await crashed.ok('start', '2');
    assert.match(await crashed.ok('corrupt', '2,3', '--shards', '1'), /: 2 shards\n$/);
    await crashed.ok('slow', '3', '--ms', '5');
    assert.equal((await crashed.status()).nodes[2]?.faults.length, 2);
    assert.equal(await crashed.end('SIGKILL'), -1);
    await until('its nodes to end', () => pids.every((pid, i) => i === 1 || !isThere(pid)));

    const next = await Testnet.up(folder, '--nodes', '1');
    t.after(() => next.end('SIGKILL'));
    assert.match(next.said, /removed what a lab of .* left in .*: its process \d+ is gone/);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith('node-')),
      ['node-1'],
    );
    assert.equal(await next.end('SIGINT'), 0);
    assert.ok(!existsSync(folder));
  });

  test('a scenario plays, checks, and reports', async () => {
    const script = join(work, 'short.yaml');
    await writeFile(
      script,
      'name: short\nnodes: 5\ncode: 2+2\ntime: 3s\nfiles: [{size: 200KiB}]\nspare: 1\nsteps:\n' +
        '- {at: 1s, kill: {count: 1}}\n- {at: 2s, lie: {count: 1}}\nexpect: [no-file-lost, no-honest-disqualified]\n',
    );
    const folder = join(work, 'scenario');
    const args = ['testnet', 'up', '--scenario', script, '--folder', folder, '--report', join(work, 'short'), '--json'];
    const { code, stdout, stderr } = await runCli(args, { home: folder, limitMs: SCENARIO_LIMIT_MS });
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout);
    assert.deepEqual([result.ok, result.checks.length], [true, 2]);
    const report = JSON.parse(await readFile(result.report.json, 'utf8')) as LabReport;
    assert.equal(report.nodes.filter(({ state }) => state === 'killed').length, 1);
    assert.equal(report.nodes.filter(({ dishonest }) => dishonest).length, 1);
    parsedPage(await readFile(result.report.html, 'utf8'));
    assert.ok(!existsSync(folder));
  });

  test('a scenario or a code that cannot be is refused before anything starts', async () => {
    const script = join(work, 'wrong.yaml');
    await writeFile(script, 'nodes: 4\ntime: 9s\nfiles: [{size: 1KiB}]\nsteps: [{at: 1s, kill: {nodes: 7}}]\n');
    const folder = join(work, 'never');
    await writeFile(join(work, 'there.html'), 'mine');
    const good = ['--scenario', 'bad-day', '--report'];
    const simulation = fileURLToPath(new URL('../../../scenarios/harsh-markov.yaml', import.meta.url));
    for (const [args, told, expected = 64] of [
      [[...good, join(work, 'there')], /there\.html exists already: .*--force/, 1],
      [[...good, join(work, 'nowhere/report')], /cannot write .*nowhere.report\.\w+ \(ENOENT\): check/, 1],
      [['--scenario', simulation], /kind: is a key of simulations: run them with `holdfast simulate`/],
      [['--scenario', 'steady-network'], /kind: is a key of simulations/],
      [['--scenario', script], /wrong\.yaml: steps\[0\]\.kill\.nodes: there is no node 7: the lab has 4/],
      [['--scenario', join(work, 'none.yaml')], /none\.yaml cannot be read/, 1],
      [['--nodes', '5', '--code', '3+2'], /5 nodes are too few for 3\+2/],
      [['--code', '1+1'], /1\+1 is not an erasure code/],
    ] as const) {
      const { code, stderr } = await runCli(['testnet', 'up', '--folder', folder, ...args], { home: folder });
      assert.deepEqual([code, stderr.trim().split('\n').length], [expected, 1], stderr);
      assert.match(stderr, told);
    }
    assert.ok(!existsSync(folder));
    assert.equal(await readFile(join(work, 'there.html'), 'utf8'), 'mine');
    assert.ok((await readdir(work)).every((name) => !name.endsWith('.part')));
  });
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { DemoReport } from '../../node/lab/demo-report.ts';
import { runCli, startCli } from '../helpers/cli-process.ts';
import { checkFailure, expectFailure } from '../helpers/expect-failure.ts';
import { randomFile } from '../helpers/random-file.ts';
import { until } from '../helpers/until.ts';

const SIZE = 3_000_000;
const SHARD = 131_072;
/** 24 frames in 6 stripes of 4+2. */
const SHARDS = 36;
const DEMO = ['testnet', 'demo'];

suite('testnet demo', () => {
  let folder: string;
  let temporary: string;
  let file: string;
  const options = () => ({ home: join(folder, 'home'), env: { TMPDIR: temporary } });
  const runner = { run: (args: readonly string[]) => runCli(args, options()) };
  /** Homes of the demo that were left behind. */
  const left = () => readdir(temporary);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-demo-test-'));
    temporary = join(folder, 'tmp');
    await mkdir(temporary);
    file = await randomFile(join(folder, 'a file'), SIZE);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('stores, audits, loses, gets back and finds tampering; prints one JSON object', async () => {
    const { code, stdout, stderr } = await runCli([...DEMO, '--json', '--nodes', '7', file], options());
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    assert.match(stdout, /^\{[^\n]*\}\n$/);
    const report = JSON.parse(stdout) as DemoReport;
    const { ok, fileBytes, nodes, code: parameters, shards, storedBytes, stoppedNodes, identical } = report;
    assert.deepEqual(
      { ok, fileBytes, nodes, parameters, shards, storedBytes, stoppedNodes, identical },
      {
        ok: true,
        fileBytes: SIZE,
        nodes: 7,
        parameters: { name: 'fr-lagrange', k: 4, m: 2 },
        shards: SHARDS,
        storedBytes: SHARDS * SHARD,
        stoppedNodes: 2,
        identical: true,
      },
    );
    assert.ok(Math.abs(report.overhead - (SHARDS * SHARD) / SIZE) < 0.001);
    for (const phase of ['add', 'audit', 'get'] as const) assert.ok(report.seconds[phase] > 0, phase);
    checkMoved(report);
    checkAudits(report);
    checkTamper(report);
    assert.deepEqual(await left(), []);
  });

  /** Every shard once to its holder; at least the file back, less what the reader holds itself; proofs are small. */
  function checkMoved({ bytesMoved, storedBytes, fileBytes }: DemoReport): void {
    assert.ok(bytesMoved.add >= storedBytes && bytesMoved.add < 1.1 * storedBytes, `${bytesMoved.add}`);
    assert.ok(bytesMoved.get >= fileBytes / 2 && bytesMoved.get < 2 * storedBytes, `${bytesMoved.get}`);
    assert.ok(bytesMoved.audit > 0 && bytesMoved.audit < SHARD, `${bytesMoved.audit}`);
  }

  function checkAudits({ audits, holders }: DemoReport): void {
    assert.equal(holders, 6);
    assert.deepEqual([audits.passed, audits.failed, audits.shards], [6, 0, SHARDS]);
    assert.equal(audits.proofBytes, 6 * 80);
    assert.deepEqual(
      audits.holders.map(({ node, outcome }) => [node, outcome]),
      [2, 3, 4, 5, 6, 7].map((node) => [node, 'passed']),
    );
  }

  function checkTamper({ tamperDetected, tamper, stopped, reader }: DemoReport): void {
    assert.equal(tamperDetected, true);
    assert.equal(tamper.damaged.outcome, 'declared-lost');
    assert.equal(tamper.dishonest.outcome, 'invalid-proof');
    assert.ok(tamper.damaged.named && tamper.dishonest.named);
    const survivors = [tamper.damaged, tamper.dishonest, ...tamper.honest].map(({ node }) => node);
    assert.deepEqual([...survivors, ...stopped].sort(), [2, 3, 4, 5, 6, 7]);
    assert.ok(tamper.honest.every(({ outcome }) => outcome === 'passed'));
    assert.ok(reader !== 1 && !stopped.includes(reader), 'the reader runs and is not the owner');
  }

  test('says in lines what happens and reports at the end; a file of one byte and a byte code do too', async () => {
    const tiny = join(folder, 'tiny');
    await writeFile(tiny, 'x');
    const kept = join(folder, 'kept');
    await mkdir(kept);
    const asked = ['--nodes', '4', '--code-name', 'gf256', '--keep', '--folder', kept, tiny];
    const { code, stdout, stderr } = await runCli([...DEMO, ...asked], options());
    assert.equal(code, 0, stderr);
    assert.equal(stderr.match(/^✓ /gm)?.length, 6, stderr);
    assert.ok(!stderr.includes('\u001b'));
    assert.match(stdout, /^code +2\+1 gf256/m);
    assert.match(stdout, /^lost +1 peer stopped/m);
    assert.match(stdout, /^get +by peer \d: identical/m);
    assert.match(stdout, /^ok: everything held\n$/m);
    const [homes, ...others] = await readdir(kept);
    assert.deepEqual(others, []);
    assert.deepEqual((await readdir(join(kept, homes as string))).sort(), ['node-1', 'node-2', 'node-3', 'node-4']);
    assert.deepEqual(await left(), []);
  });

  test('an interrupt ends it with its exit code and leaves nothing behind', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const run = startCli([...DEMO, '--nodes', '4', file], options());
      let said = '';
      run.child.stderr?.on('data', (chunk: Buffer) => {
        said += chunk;
      });
      await until('the peers to run', () => said.includes('4 peers run'));
      assert.equal((await left()).length, 1);
      run.child.kill(signal);
      const { code, stdout, stderr } = await run.result;
      assert.equal(code, 130, stderr);
      assert.match(stderr, /\nholdfast: interrupted[^\n]*\n$/);
      assert.equal(stdout, '');
      assert.deepEqual(await left(), []);
    }
  });

  test('what cannot be stored is refused in one line before anything is started', async () => {
    const empty = join(folder, 'empty');
    await writeFile(empty, '');
    const huge = join(folder, 'huge');
    await writeFile(huge, '');
    await truncate(huge, 2 ** 42);
    const small = ['--nodes', '3', file];
    for (const [args, exit, error, says] of [
      [[join(folder, 'missing')], 1, 'source-missing', /missing does not exist/],
      [[folder], 64, 'is-directory', /is a directory/],
      [['/dev/null'], 1, 'source-unsupported', /not a regular file/],
      [[empty], 64, 'usage', /empty is empty/],
      [[huge], 1, 'too-little-space', /MiB free .* --folder/],
      [small, 64, 'too-few-nodes', /3 nodes are too few for 2\+1: it takes 4/],
      [['--code', '8+4', file], 64, 'too-few-nodes', /10 nodes are too few for 8\+4: it takes 13/],
      [['--code', '1+2', file], 64, 'invalid-code', /at least 2\+1/],
      [['--nodes', '0', file], 64, 'usage', /--nodes/],
      [['--folder', join(folder, 'nowhere'), file], 1, 'target-unwritable', /nowhere/],
    ] as const) {
      await expectFailure(runner, [...DEMO, ...args], { exit, error, says });
    }
    assert.deepEqual(await left(), []);
  });

  test('an unreadable file is an error', { skip: process.getuid?.() === 0 && 'root reads everything' }, async () => {
    const secret = join(folder, 'secret');
    await writeFile(secret, 'x', { mode: 0o000 });
    const result = await runner.run([...DEMO, secret]);
    checkFailure(result, { exit: 1, error: 'source-unreadable', says: /cannot read .*secret/ });
  });
});

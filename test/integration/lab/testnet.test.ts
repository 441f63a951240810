import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { LabReport } from '../../../node/lab/record/lab-report.ts';
import { runCli } from '../../helpers/cli-process.ts';
import { parsedPage } from '../../helpers/page-structure.ts';
import { Testnet } from '../../helpers/testnet.ts';
import { until } from '../../helpers/until.ts';

suite('holdfast testnet', () => {
  let work: string;
  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'holdfast-testnet-'));
  });
  after(() => rm(work, { recursive: true, force: true }));

  suite('a lab in one process', () => {
    const NODES = 5;
    let folder: string;
    let lab: Testnet;
    let link: string;
    const content = randomBytes(300_000);
    const state = async (number: number) => (await lab.status()).nodes[number - 1]?.state;
    /** Numbers of the nodes that one is connected with. */
    const connected = async (number: number) => {
      const { stdout } = await lab.at(number, ['peers', 'ls', '--json']);
      const { peers } = JSON.parse(stdout) as { peers: readonly { peer: string; connected: boolean }[] };
      const there = new Set(peers.filter((peer) => peer.connected).map(({ peer }) => peer));
      return lab.ready.nodes.filter(({ peer }) => there.has(peer)).map((node) => node.number);
    };
    before(async () => {
      folder = join(work, 'lab');
      lab = await Testnet.up(folder, '--nodes', String(NODES), '--code', '3+1');
    });
    after(() => lab.end('SIGKILL'));

    test('its nodes are used like any other', async () => {
      const file = join(work, 'file');
      await writeFile(file, content);
      const added = await lab.at(1, ['add', '-q', file]);
      assert.equal(added.code, 0, added.stderr);
      link = added.stdout.trim();
      const got = await lab.at(3, ['get', link, '-o', '-']);
      assert.deepEqual(got.bytes, content, got.stderr);
      const { nodes, ready } = await lab.status();
      assert.equal(ready, true);
      assert.deepEqual(
        nodes.map((node) => [node.number, node.state, (node.shards ?? 0) > 0]),
        [1, 2, 3, 4, 5].map((number) => [number, 'running', number > 1]),
      );
    });

    test('a second lab in its folder is refused', async () => {
      const { code, stderr } = await runCli(['testnet', 'up', '--folder', folder], { home: folder });
      assert.equal(code, 1);
      assert.match(stderr, /^holdfast: a lab runs in .* \(process \d+\): .*testnet down/);
    });

    test('what cannot be done is refused in one line', async () => {
      for (const [args, code, told] of [
        [['kill', '9'], 64, /the lab has no node 9: its nodes are 1 to 5/],
        [['kill', 'all'], 64, /"all" names no nodes/],
        [['slow', '2'], 64, /--ms/],
        [['lie', '2', '--how', 'kindly'], 64, /kindly/],
        [['partition', '1-3/3-5'], 64, /twice/],
        [['partition', '1-5'], 64, /one group of all nodes is no partition/],
        [['churn', '--rate', '601'], 64, /from 0 to 600/],
      ] as const) {
        const { code: ended, stderr } = await lab.run(...args);
        assert.equal(ended, code, args.join(' '));
        assert.match(stderr, told);
        assert.equal(stderr.trim().split('\n').length, 1);
      }
      await lab.ok('churn', '--rate', '0.000001');
      assert.equal((await lab.status()).churnPerMinute, 0.000001);
    });

    test('kill and start', async () => {
      assert.equal(await lab.ok('kill', '2'), 'done: kill 2\n');
      assert.equal(await state(2), 'killed');
      assert.equal((await lab.at(2, ['id'])).code, 6);
      const { code, stderr } = await lab.run('corrupt', '2');
      assert.deepEqual([code, /node 2 is killed: start it/.test(stderr)], [2, true]);
      await lab.ok('start', '2');
      assert.equal(await state(2), 'running');
      assert.equal((await lab.at(2, ['id'])).code, 0);
      await until('node 2 to be connected again', async () => (await connected(1)).includes(2));
    });

    test('a partition cuts, healing connects', async () => {
      await lab.ok('partition', '1-2/3-5');
      assert.deepEqual(await connected(1), [2]);
      assert.deepEqual((await lab.status()).partition, [
        [1, 2],
        [3, 4, 5],
      ]);
      await lab.ok('heal');
      await until('all to be connected', async () => (await connected(1)).length === NODES - 1);
    });

    test('what is corrupted is found', async () => {
      assert.match(await lab.ok('corrupt', '4', '--shards', '1', '--bits', '3'), /: 1 shard\n$/);
      assert.deepEqual((await lab.status()).nodes[3]?.faults, ['1 damaged']);
      await until('the loss to be found by an audit, or already repaired', async () => {
        const { nodes } = await lab.status();
        return (nodes[3]?.damagedShards ?? 0) > 0 || (await lab.at(1, ['audit', 'run', link])).code === 3;
      });
    });

    test('a report on request', async () => {
      const base = join(work, 'report');
      await lab.ok('report', '-o', base);
      const report = JSON.parse(await readFile(`${base}.json`, 'utf8')) as LabReport;
      assert.deepEqual([report.nodes.length, report.files, report.samples.length > 0], [NODES, 1, true]);
      assert.ok(report.steps.some(({ text }) => text === 'kill 2'));
      parsedPage(await readFile(`${base}.html`, 'utf8'));
    });

    test('down ends it and leaves nothing', async () => {
      await lab.ok('down');
      assert.equal(await lab.end(), 0);
      assert.ok(!existsSync(folder));
      const { code, stderr } = await lab.run('status');
      assert.equal(code, 6);
      assert.match(stderr, /no lab runs in .*testnet up/);
    });
  });
});

import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir } from 'node:fs/promises';
import { after, afterEach, before, suite, test } from 'node:test';
import type { CliRun } from '../helpers/cli-process.ts';
import type { Daemon } from '../helpers/daemon.ts';
import { DaemonNetwork, exactly } from '../helpers/daemon-network.ts';
import { randomFile, sha256File } from '../helpers/random-file.ts';
import { until } from '../helpers/until.ts';

const MIB = 1024 * 1024;
const SIZE = 4 * MIB;
/** 2+1: the file has 34 data shards and 17 of parity. */
const SHARDS = 51;
const CODE = ['--code', '2+1'];
/** Stretches the upload over seconds, so that there is a middle to be hit. */
const SLOWLY = { HOLDFAST_NETWORK_UPLOAD_RATE: '1000000' };

interface Added {
  readonly root: string;
  readonly link: string;
  readonly shards: number;
  readonly resumedBytes: number;
  readonly warnings: readonly string[];
}

suite('an upload that is interrupted', () => {
  let network: DaemonNetwork;
  let owner: Daemon;
  let holders: readonly Daemon[];

  before(async () => {
    network = await DaemonNetwork.start({ daemons: 5, envOf: { 1: { HOLDFAST_KZG_THREADS: '0', ...SLOWLY } } });
    owner = network.daemon(1);
    holders = network.daemons.slice(1);
  });
  after(() => network?.stop());
  afterEach(async () => {
    for (const daemon of network.daemons) if (!daemon.running) await daemon.start();
    await network.gathered();
  });

  /** Waits until a quarter of the shards of an upload, on top of `before`, is on disk at the holders. */
  async function inTheMiddle(run: CliRun, before = 0): Promise<void> {
    const wanted = before + exactly(SHARDS).usedBytes / 4;
    await until('a quarter of the file to be stored', async () => {
      assert.equal(run.child.exitCode, null, 'the upload was over before its middle');
      return (await network.stored(holders)).usedBytes >= wanted;
    });
  }

  async function assertComesBack(link: string, source: string): Promise<void> {
    const target = `${source}.again`;
    await holders[0]!.ok(['get', link, '-o', target]);
    assert.equal(await sha256File(target), await sha256File(source));
  }

  async function removed(link: string): Promise<void> {
    await owner.ok(['rm', link]);
    assert.equal((await network.stored(holders)).usedBytes, (await network.stored(holders)).stagedBytes);
  }

  test('kill -9 of the uploading node: the next add goes on, and nothing is stored twice', async () => {
    const source = await randomFile(network.path('killed'), SIZE);
    const run = owner.begin(['add', source, ...CODE]);
    await inTheMiddle(run);
    await owner.kill();
    const { code, stdout, stderr } = await run.result;
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^holdfast: [^\n]+\n$/);
    await owner.start();
    await network.gathered([owner]);
    assert.deepEqual(await owner.json(['ls']), { files: [] });

    const added = await owner.json<Added>(['add', source, ...CODE]);
    assert.equal(added.shards, SHARDS);
    assert.ok(added.resumedBytes >= exactly(SHARDS).usedBytes / 4, `resumed ${added.resumedBytes} bytes`);
    assert.ok(added.resumedBytes < exactly(SHARDS).usedBytes);
    assert.deepEqual(await network.stored(holders), exactly(SHARDS));
    await assertComesBack(added.link, source);
    await removed(added.link);
  });

  test('kill -9 and a source that changed meanwhile: a new key, and the new content', async () => {
    const source = await randomFile(network.path('changed'), SIZE);
    const run = owner.begin(['add', source, ...CODE]);
    await inTheMiddle(run);
    await owner.kill();
    await run.result;
    await appendFile(source, 'one line more\n');
    await owner.start();
    await network.gathered([owner]);

    const added = await owner.json<Added>(['add', source, ...CODE]);
    assert.equal(added.resumedBytes, 0);
    await assertComesBack(added.link, source);
    const { usedBytes, stagedBytes } = await network.stored(holders);
    assert.equal(usedBytes - stagedBytes, exactly(added.shards).usedBytes);
    await removed(added.link);
  });

  test('kill -9 of a holder: its shards go to another one', async () => {
    const source = await randomFile(network.path('holder'), SIZE);
    const { stagedBytes: left } = await network.stored(holders);
    const before = new Map(
      await Promise.all(holders.map(async (one) => [one, (await one.storage()).usedBytes] as const)),
    );
    const run = owner.begin(['add', source, ...CODE, '--json']);
    await inTheMiddle(run, left);
    const busy = [];
    for (const one of holders) if ((await one.storage()).usedBytes > before.get(one)!) busy.push(one);
    assert.equal(busy.length, 3);
    const victim = busy[1]!;
    await victim.kill();
    const { code, stdout, stderr } = await run.result;
    assert.equal(code, 0, stderr);
    const added = JSON.parse(stdout) as Added;
    assert.ok(
      added.warnings.some((warning) => warning.includes(victim.peer)),
      `warnings: ${added.warnings.join('; ')}`,
    );
    const { health } = await owner.json<{ health: { verdict: string; presentShards: number } }>([
      'check',
      added.link,
      '--no-audit',
    ]);
    assert.deepEqual([health.verdict, health.presentShards], ['healthy', SHARDS]);
    const target = `${source}.again`;
    await owner.ok(['get', added.link, '-o', target]);
    assert.equal(await sha256File(target), await sha256File(source));
  });

  test('Ctrl-C in the middle of add: 130, nothing in the catalog, and the next add goes on', async () => {
    const source = await randomFile(network.path('stopped'), SIZE);
    const { files } = await owner.json<{ files: unknown[] }>(['ls']);
    const { usedBytes } = await network.stored(holders);
    const run = owner.begin(['add', source, ...CODE]);
    await inTheMiddle(run, usedBytes);
    run.child.kill('SIGINT');
    const { code, stdout, stderr } = await run.result;
    assert.equal(code, 130, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /^holdfast: interrupted[^\n]*\n$/);
    assert.deepEqual((await owner.json<{ files: unknown[] }>(['ls'])).files, files);
    const added = await owner.json<Added>(['add', source, ...CODE]);
    assert.ok(added.resumedBytes >= exactly(SHARDS).usedBytes / 4, `resumed ${added.resumedBytes} bytes`);
    await assertComesBack(added.link, source);
  });

  test('Ctrl-C in the middle of get: 130, no file, and the next get works', async () => {
    const source = await randomFile(network.path('fetched'), 2 * MIB);
    const { link } = await owner.json<Added>(['add', source, ...CODE]);
    const folder = network.path('target');
    await mkdir(folder);
    const reader = holders[0]!;
    await reader.stop();
    await reader.start({ HOLDFAST_NETWORK_DOWNLOAD_RATE: '300000' });
    await network.gathered([reader]);
    const run = reader.begin(['get', link, '-o', `${folder}/file`]);
    await until('the download to have begun', async () => (await readdir(folder)).length > 0);
    run.child.kill('SIGINT');
    const { code, stdout, stderr } = await run.result;
    assert.equal(code, 130, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /^holdfast: interrupted[^\n]*\n$/);
    assert.deepEqual(await readdir(folder), []);
    await reader.stop();
    await reader.start();
    await network.gathered([reader]);
    await reader.ok(['get', link, '-o', `${folder}/file`]);
    assert.equal(await sha256File(`${folder}/file`), await sha256File(source));
  });
});

import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, suite, test } from 'node:test';
import type { CliRun } from '../helpers/cli-process.ts';
import type { Daemon } from '../helpers/daemon.ts';
import { DaemonNetwork, exactly } from '../helpers/daemon-network.ts';
import { MemoryWatch } from '../helpers/memory-watch.ts';
import { randomFile, sha256File } from '../helpers/random-file.ts';

const MIB = 1024 * 1024;
const LIMIT_BYTES = 350 * MIB;
const HOUR_MS = 3_600_000;
/** A smaller file for a trial: HOLDFAST_TEST_SIZE_MIB=128. */
const SIZE = Number(process.env.HOLDFAST_TEST_SIZE_MIB ?? 2048) * MIB;

interface Added {
  readonly link: string;
  readonly shards: number;
}

/** Nodes as they run in earnest, with large write buffers. That they share a subnet is no matter here. */
const EARNEST = { HOLDFAST_LAB_ENABLED: 'false' };

suite(`adding and getting ${SIZE / MIB} MiB of random data in bounded memory`, {
  skip: process.platform !== 'linux',
}, () => {
  let network: DaemonNetwork;
  let owner: Daemon;
  let source: string;
  let added: Added;

  before(async () => {
    network = await DaemonNetwork.start({ daemons: 7, env: EARNEST, envOf: { 1: { HOLDFAST_KZG_THREADS: '0' } } });
    owner = network.daemon(1);
    source = await randomFile(network.path('large'), SIZE);
  });
  after(() => network?.stop());

  /** Runs a command to its end while the memory of it and of every daemon is watched. @returns its stdout */
  async function watched(what: string, begin: () => CliRun, report: (line: string) => void): Promise<string> {
    const started = performance.now();
    const run = begin();
    const pids = new Map<string, () => number | undefined>([['command', () => run.child.pid]]);
    for (const daemon of network.daemons.filter(({ running }) => running))
      pids.set(`daemon ${daemon.number}`, () => daemon.pid);
    const watch = new MemoryWatch(pids);
    const { code, stdout, stderr } = await run.result;
    const peaks = await watch.stop();
    assert.equal(code, 0, `${stderr}\n${owner.log}`);
    const seconds = (performance.now() - started) / 1000;
    const figures = [...peaks].map(([name, bytes]) => `${name} ${(bytes / MIB).toFixed(0)}`).join(', ');
    report(
      `${what}: ${seconds.toFixed(0)} s, ${(SIZE / MIB / seconds).toFixed(1)} MiB/s; peak RssAnon in MiB: ${figures}`,
    );
    for (const [name, bytes] of peaks) assert.ok(bytes < LIMIT_BYTES, `${name} had ${bytes} bytes during ${what}`);
    assert.equal(peaks.size, pids.size);
    return stdout;
  }

  test('add', async (t) => {
    const begin = () => owner.begin(['add', source, '--code', '4+2', '--json'], { limitMs: HOUR_MS });
    added = JSON.parse(await watched('add', begin, (line) => t.diagnostic(line))) as Added;
    assert.deepEqual(await network.stored(), exactly(added.shards));
  });

  test('get, by the owner and by a holder', async (t) => {
    const expected = await sha256File(source);
    for (const reader of [owner, network.daemon(4)]) {
      const target = network.path('fetched');
      const begin = () => reader.begin(['get', added.link, '-o', target], { limitMs: HOUR_MS });
      await watched(`get by daemon ${reader.number}`, begin, (line) => t.diagnostic(line));
      assert.equal(await sha256File(target), expected);
      await rm(target);
    }
  });

  test('get with two holders gone', async (t) => {
    await Promise.all([network.daemon(2), network.daemon(5)].map((daemon) => daemon.kill()));
    const target = network.path('rebuilt');
    const begin = () => owner.begin(['get', added.link, '-o', target], { limitMs: HOUR_MS });
    await watched('get without two holders', begin, (line) => t.diagnostic(line));
    assert.equal(await sha256File(target), await sha256File(source));
  });
});

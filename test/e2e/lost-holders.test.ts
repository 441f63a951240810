import assert from 'node:assert/strict';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Daemon } from '../helpers/daemon.ts';
import { DaemonNetwork, exactly } from '../helpers/daemon-network.ts';
import { expectFailure } from '../helpers/expect-failure.ts';
import { randomFile, sha256File } from '../helpers/random-file.ts';
import { describeTree, makeTree } from '../helpers/tree-sample.ts';
import { untilProven } from '../helpers/until.ts';

const MIB = 1024 * 1024;
const FRAME_BYTES = 126_960;
const K = 4;
const M = 2;

interface Added {
  readonly root: string;
  readonly link: string;
  readonly size: number;
  readonly stripes: number;
  readonly shards: number;
  readonly holders: number;
  readonly storedBytes: number;
  readonly warnings: readonly string[];
}

interface Checked {
  readonly health: {
    readonly verdict: string;
    readonly stripes: number;
    readonly shards: number;
    readonly presentShards: number;
    readonly degradedStripes: number;
    readonly lostStripes: number;
    readonly minimumMargin: number;
  };
}

/** Data and parity shards of a file of this size under 4+2. */
function shardsOf(bytes: number): number {
  const data = Math.ceil(bytes / FRAME_BYTES);
  return data + M * Math.ceil(data / K);
}

/** Every pair of 0 … n−1, each sharing one member with the next, so that one restart leads from one to the next. */
function pairs(n: number): [number, number][] {
  const all: [number, number][] = [];
  for (let a = 0; a < n; a++) {
    const partners = Array.from({ length: n - a - 1 }, (_, i) => a + 1 + i);
    // Ends at a+1, the first of the pairs that follow.
    for (const b of partners.reverse()) all.push([a, b]);
  }
  return all;
}

suite('seven daemons and 4+2', () => {
  let network: DaemonNetwork;
  let owner: Daemon;
  /** Six: each holds a shard of every full stripe. */
  let holders: readonly Daemon[];
  const files: { readonly added: Added; readonly sha256: string }[] = [];

  before(async () => {
    network = await DaemonNetwork.start({ daemons: 7, envOf: { 1: { HOLDFAST_KZG_THREADS: '0' } } });
    owner = network.daemon(1);
    holders = network.daemons.slice(1);
  });
  after(() => network?.stop());

  async function addFile(name: string, bytes: number): Promise<Added> {
    const path = await randomFile(network.path(name), bytes);
    const added = await owner.json<Added>(['add', path]);
    files.push({ added, sha256: await sha256File(path) });
    return added;
  }

  async function assertReadable(reader: Daemon, { added, sha256 }: (typeof files)[number]): Promise<void> {
    const target = network.path('fetched');
    await reader.ok(['get', added.link, '-o', target]);
    assert.equal(await sha256File(target), sha256);
    await rm(target);
  }

  test('a file of 64 MiB is spread over six of them and comes back through another one', async () => {
    const size = 64 * MIB;
    const shards = shardsOf(size);
    const added = await addFile('large', size);
    assert.deepEqual(
      { size: added.size, shards: added.shards, holders: added.holders, stored: added.storedBytes },
      { size, shards, holders: 6, stored: exactly(shards).usedBytes },
    );
    assert.deepEqual(added.warnings, []);
    assert.deepEqual(await network.stored(), exactly(shards));
    assert.equal((await owner.storage()).usedBytes, 0);
    await assertReadable(network.daemon(7), files[0]!);
  });

  test('a directory of 500 files keeps bytes, names, modes and times', async () => {
    const source = network.path('tree');
    await makeTree(source, 500);
    const before = await describeTree(source);
    const added = await owner.json<Added>(['add', source]);
    const target = network.path('tree again');
    await network.daemon(4).ok(['get', added.link, '-o', target]);
    assert.deepEqual(await describeTree(target), before);
    assert.deepEqual(await describeTree(source), before);
    assert.ok(before.filter(({ type }) => type === 'file').length === 500);
  });

  test('any two holders may be lost', async (t) => {
    const added = await addFile('small', 8 * MIB);
    const small = files[1]!;
    const patterns = pairs(holders.length);
    assert.equal(patterns.length, 15);
    let lost = new Set<Daemon>();
    for (const [i, pattern] of patterns.entries()) {
      const next = new Set(pattern.map((at) => holders[at]!));
      const back = [...lost.difference(next)];
      await Promise.all([...next.difference(lost)].map((daemon) => daemon.kill()));
      await Promise.all(back.map((daemon) => daemon.start()));
      lost = next;
      const survivors = holders.filter((daemon) => !lost.has(daemon));
      const reader = i % 2 === 0 ? owner : survivors[i % survivors.length]!;
      await network.gathered([reader]);
      await t.test(`without ${[...lost].map(({ number }) => number)}, read by ${reader.number}`, async () => {
        await assertReadable(reader, small);
      });
    }
    await t.test('the large one too', () => assertReadable(owner, files[0]!));
    await t.test('`check` says that it is degraded', async () => {
      const { health } = await owner.json<Checked>(['check', added.link, '--no-audit'], { code: 3 });
      const { verdict, degradedStripes, lostStripes, minimumMargin } = health;
      assert.deepEqual(
        { verdict, degradedStripes, lostStripes, minimumMargin },
        { verdict: 'degraded', degradedStripes: added.stripes, lostStripes: 0, minimumMargin: 0 },
      );
    });
    await t.test('a third one is too many: an error that names the stripe, and no file', async () => {
      const third = holders.find((daemon) => !lost.has(daemon))!;
      await third.kill();
      const folder = network.path('empty');
      await mkdir(folder);
      const args = ['get', added.link, '-o', join(folder, 'file')];
      const says = /stripe 0 of segment 0 of bafy\w+ has 3 reachable good shards and needs 4: /;
      const data = await expectFailure(owner, args, { exit: 4, error: 'not-enough-shards', says });
      assert.deepEqual(data, { root: added.root, segment: 0, stripe: 0, have: 3, need: 4 });
      assert.deepEqual(await readdir(folder), []);
      const { health } = await owner.json<Checked>(['check', added.link, '--no-audit'], { code: 4 });
      assert.equal(health.verdict, 'lost');
      assert.equal(health.minimumMargin, -1);

      await third.start();
      await network.gathered([owner]);
      await assertReadable(owner, small);
    });
    await t.test('with everybody back nothing is lost', async () => {
      await Promise.all([...lost].map((daemon) => daemon.start()));
      await network.gathered([owner]);
      await untilProven(owner, added.link);
      const { health } = await owner.json<Checked>(['check', added.link, '--no-audit']);
      assert.deepEqual([health.verdict, health.presentShards], ['healthy', added.shards]);
    });
  });
});

import assert from 'node:assert/strict';
import { chmod, cp, mkdir, open, readdir, readFile, rm, statfs, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, suite, test } from 'node:test';
import { runCli } from '../helpers/cli-process.ts';
import { Daemon } from '../helpers/daemon.ts';
import { DaemonNetwork } from '../helpers/daemon-network.ts';
import { checkFailure, checkJsonFailure, expectFailure } from '../helpers/expect-failure.ts';
import { randomFile, sha256File } from '../helpers/random-file.ts';
import { smallDisk } from '../helpers/small-disk.ts';
import { until, untilProven } from '../helpers/until.ts';

const MIB = 1024 * 1024;

interface Added {
  readonly root: string;
  readonly link: string;
  readonly size: number;
  readonly shards: number;
  readonly resumedBytes: number;
  readonly warnings: readonly string[];
}

suite('bad input and bad luck', () => {
  let network: DaemonNetwork;
  let owner: Daemon;
  let holders: readonly Daemon[];
  /** A file of 2 MiB that is stored. */
  let stored: Added;

  before(async () => {
    network = await DaemonNetwork.start({ daemons: 4 });
    owner = network.daemon(1);
    holders = network.daemons.slice(1);
    stored = await owner.json<Added>(['add', await randomFile(network.path('stored'), 2 * MIB)]);
    kept = await whatIsKept();
  });
  after(() => network?.stop());

  /** What the owner lists, and what holders keep for good. */
  let kept: unknown;
  const whatIsKept = async () => {
    const { usedBytes, stagedBytes } = await network.stored();
    return { files: (await owner.ok(['ls', '-q'])).stdout, bytes: usedBytes - stagedBytes };
  };
  /** What fails leaves nothing. */
  afterEach(async () => {
    const before = kept;
    kept = await whatIsKept();
    assert.deepEqual(kept, before);
  });

  test('a file that is missing, unreadable, or no file', async (t) => {
    const missing = network.path('missing');
    await expectFailure(owner, ['add', missing], { exit: 1, error: 'source-missing', says: /missing does not exist/ });
    const unsupported = { exit: 1, error: 'source-unsupported', says: /neither a file nor a directory/ };
    await expectFailure(owner, ['add', '/dev/null'], unsupported);
    const folder = network.path('folder');
    await mkdir(folder);
    await symlink('/etc/passwd', join(folder, 'escape'));
    await expectFailure(owner, ['add', folder], { exit: 1, error: 'unsafe-name', says: /"escape" is refused/ });
    await t.test('unreadable', async (t) => {
      if (process.getuid?.() === 0) return t.skip('root reads everything');
      const locked = network.path('locked');
      await writeFile(locked, 'secret');
      await chmod(locked, 0);
      await expectFailure(owner, ['add', locked], { exit: 1, error: 'source-unreadable', says: /locked.*permissions/ });
    });
  });

  test('an empty file and an empty directory are files and directories like any other', async () => {
    const empty = network.path('empty');
    await writeFile(empty, '');
    const file = await owner.json<Added>(['add', empty]);
    assert.equal(file.size, 0);
    await holders[0]!.ok(['get', file.link, '-o', network.path('empty again')]);
    assert.equal((await readFile(network.path('empty again'))).length, 0);
    await mkdir(network.path('empty folder'));
    const folder = await owner.json<Added>(['add', network.path('empty folder')]);
    await holders[0]!.ok(['get', folder.link, '-o', network.path('empty folder again')]);
    assert.deepEqual(await readdir(network.path('empty folder again')), []);
    await owner.ok(['rm', file.link, folder.link]);
  });

  test('a file that changes while it is read', async () => {
    // More than a node takes in before the first shards are committed to, so that reading cannot be over.
    const source = await randomFile(network.path('changing'), 48 * MIB);
    const before = await network.stored();
    const run = owner.begin(['add', source]);
    await until('the upload to have begun', async () => (await network.stored()).usedBytes > before.usedBytes);
    await truncate(source, MIB);
    checkFailure(await run.result, { exit: 1, error: 'source-changed', says: /changing changed while it was read/ });
    const added = await owner.json<Added>(['add', source]);
    assert.deepEqual([added.size, added.resumedBytes], [MIB, 0]);
    await holders[0]!.ok(['get', added.link, '-o', network.path('changed')]);
    assert.equal(await sha256File(network.path('changed')), await sha256File(source));
    await owner.ok(['rm', added.link]);
  });

  test('a link that is wrong, lacks its key, has another key, or names what nobody has', async () => {
    const [root = '', key = ''] = stored.link.slice('holdfast:'.length).split('#');
    const otherKey = (key.startsWith('A') ? 'B' : 'A') + key.slice(1);
    // A valid id of something else: the letter changed is in the digest.
    const otherRoot = root.slice(0, 30) + (root[30] === 'a' ? 'b' : 'a') + root.slice(31);
    const folder = network.path('targets');
    await mkdir(folder);
    const cases: readonly [link: string, exit: number, error: string, says: RegExp][] = [
      ['https://example.org/file', 64, 'not-a-link', /holdfast:/],
      [`holdfast:${root.slice(0, -4)}#${key}`, 64, 'bad-root', /copied/],
      [`holdfast:${root}#${key.slice(0, -3)}`, 64, 'bad-key', /key/],
      [`holdfast:${root}`, 64, 'key-required', /after #/],
      [`holdfast:${root}#${otherKey}`, 5, 'wrong-key', /key/],
      [`holdfast:${otherRoot}#${key}`, 1, 'unknown-file', /nobody has bafyrei.*check the link/],
    ];
    for (const [link, exit, error, says] of cases) {
      await expectFailure(holders[0]!, ['get', link, '-o', join(folder, 'file')], { exit, error, says });
    }
    assert.deepEqual(await readdir(folder), []);
    const nowhere = { exit: 1, error: 'target-unwritable', says: /cannot write .*no-folder/ };
    await expectFailure(owner, ['get', stored.link, '-o', join(folder, 'no-folder/file')], nowhere);
  });

  test('more holders than there are peers: how many are needed and how many there are', async () => {
    const says = /\b6\b.*\b3\b/;
    const failure = { exit: 2, error: 'too-few-peers', says };
    const data = await expectFailure(owner, ['add', network.path('stored'), '--code', '4+2'], failure);
    assert.deepEqual(data, { needed: 6, present: 3 });
  });

  test('words that the command line does not know', async () => {
    for (const args of [['put', 'x'], ['add'], ['get'], ['add', 'x', '--code', '4-2'], ['ls', '--nonsense']]) {
      await expectFailure(owner, args, { exit: 64, error: 'usage', says: /holdfast help/ });
    }
  });

  test('a home that is in use, was never initialised, or is initialised already', async () => {
    const { home } = holders[0]!;
    const running = { exit: 1, error: 'already-running', says: /a node is running on .* already/ };
    await expectFailure(holders[0]!, ['daemon'], running);
    const initialised = { exit: 1, error: 'already-initialised', says: /nothing was changed/ };
    await expectFailure(holders[0]!, ['init'], initialised);
    const bare = network.path('bare');
    await mkdir(bare);
    const run = (args: readonly string[]) => runCli(args, { home: bare });
    await expectFailure({ run }, ['daemon'], { exit: 1, error: 'not-initialised', says: /holdfast init/ });
    // The file that tells where the daemon answers may be gone; its lock on the databases is not.
    const api = await readFile(join(home, 'api.json'));
    await rm(join(home, 'api.json'));
    const free = ['daemon', '--api-port', '0', '--network-listen', '/ip4/127.0.0.1/tcp/0'];
    await expectFailure(holders[0]!, free, { exit: 1, error: 'home-in-use', says: /in use by another process/ });
    await writeFile(join(home, 'api.json'), api);
    await holders[0]!.ok(['status']);
  });

  test('a home that lost CURRENT is refused, untouched; with CURRENT back it holds everything', async () => {
    const victim = holders[1]!;
    await victim.stop();
    for (const database of ['shards', 'meta']) {
      const path = join(victim.home, database, 'CURRENT');
      const content = await readFile(path);
      await rm(path);
      const names = await readdir(join(victim.home, database));
      const says = /is damaged \(.*CURRENT.*nothing was changed/;
      const args = ['daemon', '--api-port', '0', '--network-listen', '/ip4/127.0.0.1/tcp/0'];
      await expectFailure(victim, args, { exit: 1, error: 'damaged-home', says });
      assert.deepEqual((await readdir(join(victim.home, database))).sort(), names.sort());
      const { ok } = await victim.json<{ ok: boolean }>(['doctor'], { code: 1 });
      assert.equal(ok, false);
      await writeFile(path, content);
    }
    await victim.start();
    await network.gathered();
    await untilProven(owner, stored.link);
  });

  test('flipped bits in a table of a holder: the file comes back whole, and the loss shows', async () => {
    const victim = holders[2]!;
    await victim.stop();
    // What a run wrote lies in its log until the next start turns it into a table.
    await victim.start();
    await victim.stop();
    const copy = network.path('undamaged');
    await cp(victim.home, copy, { recursive: true });
    assert.ok((await flipBits(join(victim.home, 'shards'))) > 0);
    await victim.start();
    await network.gathered();
    for (const reader of [owner, victim]) {
      const target = network.path(`beside damage ${reader.number}`);
      await reader.ok(['get', stored.link, '-o', target]);
      assert.equal(await sha256File(target), await sha256File(network.path('stored')));
    }
    await owner.expect(3, ['check', stored.link]);
    assert.ok((await victim.storage()).damagedShards > 0);

    await victim.stop();
    await rm(victim.home, { recursive: true });
    await cp(copy, victim.home, { recursive: true });
    await victim.start();
    await network.gathered();
    await untilProven(owner, stored.link);
  });

  test('a full disk: of the reader, and of a holder', async (t) => {
    const disk = await smallDisk(64);
    if (disk === undefined) return t.skip('mounting a small tmpfs needs root');
    t.after(() => disk.remove());
    await t.test('get leaves nothing behind', async () => {
      const filler = await fill(disk.path, MIB);
      const target = join(disk.path, 'file');
      const full = { exit: 1, error: 'target-unwritable', says: /cannot write .*file \(ENOSPC\): free some space/ };
      await expectFailure(owner, ['get', stored.link, '-o', target], full);
      assert.deepEqual(await readdir(disk.path), ['filler']);
      await rm(filler);
      await owner.ok(['get', stored.link, '-o', target]);
      assert.equal(await sha256File(target), await sha256File(network.path('stored')));
      await rm(target);
    });
    await t.test('add takes another holder, or says how many lack; when there is room again it goes on', async () => {
      const { peer, listen, environment } = await smallHolder(disk.path);
      const small = new Daemon({ number: 9, home: join(disk.path, 'home'), peer, address: listen, env: environment });
      t.after(() => small.kill());
      await small.start();
      await until('the owner to know it', async () => {
        const { peers } = await owner.look<{ peers: { peer: string; freeBytes?: number }[] }>('/v1/peers');
        return peers.some((row) => row.peer === peer && row.freeBytes !== undefined);
      });
      const filler = await fill(disk.path, MIB);
      const source = await randomFile(network.path('for a full disk'), MIB);
      const added = await owner.json<Added>(['add', source, '--code', '2+1']);
      assert.equal((await small.storage()).usedBytes, 0);
      await untilProven(owner, added.link);
      await owner.ok(['rm', added.link]);
      // All four are needed now.
      const run = await owner.run(['add', source, '--code', '3+1', '--json']);
      checkJsonFailure(run, { exit: 1, error: 'upload-failed', says: /found 3 holders of the 4 it needs/ });
      await rm(filler);
      const again = await owner.json<Added>(['add', source, '--code', '3+1']);
      assert.ok(again.resumedBytes > 0);
      assert.ok((await small.storage()).usedBytes > 0);
      await owner.ok(['rm', again.link]);
    });
  });

  /** One more holder whose home is on `disk`. */
  async function smallHolder(disk: string) {
    const home = join(disk, 'home');
    await mkdir(home, { mode: 0o700 });
    const { stdout } = await runCli(['init', '-q'], { home });
    const listen = '/ip4/127.0.9.1/tcp/0';
    const environment = { ...owner.environment, HOLDFAST_NETWORK_LISTEN: listen };
    return {
      peer: stdout.trim(),
      listen,
      environment: {
        ...environment,
        HOLDFAST_NETWORK_BOOTSTRAP: network.daemons.map(({ address }) => address).join(','),
      },
    };
  }
});

/** Flips bits all over the tables of a database. @returns how many */
async function flipBits(folder: string): Promise<number> {
  const STEP = 100_000;
  let flipped = 0;
  for (const name of (await readdir(folder)).filter((file) => /\.(ldb|log)$/.test(file))) {
    const file = await open(join(folder, name), 'r+');
    const { size } = await file.stat();
    // The middle of the file: its index and footer would make the database unreadable as a whole.
    for (let at = STEP; at < size - STEP; at += STEP) {
      const byte = Buffer.alloc(1);
      await file.read(byte, 0, 1, at);
      byte[0]! ^= 0x10;
      await file.write(byte, 0, 1, at);
      flipped++;
    }
    await file.close();
  }
  return flipped;
}

/** Takes all but `leaveBytes` of a file system. @returns the file that does */
async function fill(disk: string, leaveBytes: number): Promise<string> {
  const { bavail, bsize } = await statfs(disk);
  const path = join(disk, 'filler');
  await writeFile(path, new Uint8Array(Math.max(0, bavail * bsize - leaveBytes)));
  return path;
}

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  appendFile,
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ApiError } from '../../../node/api/problem.ts';
import { folderWithNode } from './cli-fixture.ts';

const content = randomBytes(400_000);

function oneLine(stderr: string): void {
  assert.match(stderr, /^holdfast: [^\n]+\n$/);
}

test('a file goes in and comes back, with its link as the only output of -q', async (t) => {
  const { run, work, services } = await folderWithNode(t);
  await writeFile(join(work, 'a file'), content);
  const added = await run(['add', '-q', 'a file']);
  assert.deepEqual([added.code, added.stderr], [0, '']);
  const link = added.stdout.trim();
  assert.match(link, /^holdfast:bafyrei[a-z2-7]{52}#[\w-]{43}$/);
  assert.equal(services.adds[0]?.name, 'a file');
  assert.match(services.adds[0]?.sourceId ?? '', /^[0-9a-f]{64}$/);
  assert.equal(services.adds[0]?.size, content.length);
  assert.equal((await run(['get', link, '-o', 'back'])).code, 0);
  assert.deepEqual(await readFile(join(work, 'back')), content);
  assert.deepEqual((await run(['cat', link])).out, content);
  assert.deepEqual((await run(['get', link, '-o', '-', '--range', '10-19'])).out, content.subarray(10, 20));
  assert.deepEqual((await run(['cat', link, '--range', '-5'])).out, content.subarray(-5));
});

test('the same source resumes under the same id, a changed one or other choices do not', async (t) => {
  const { run, work, services } = await folderWithNode(t);
  await writeFile(join(work, 'a'), 'one');
  for (const args of [
    ['add', 'a'],
    ['add', './a'],
    ['add', 'a', '--code', '2+1'],
    ['add', 'a', '--no-resume'],
  ]) {
    assert.equal((await run(args)).code, 0);
  }
  await writeFile(join(work, 'a'), 'two');
  assert.equal((await run(['add', 'a'])).code, 0);
  const ids = services.adds.map(({ sourceId }) => sourceId);
  assert.equal(ids[0], ids[1]);
  assert.equal(ids[3], undefined);
  assert.equal(new Set([ids[0], ids[2], ids[4]]).size, 3);
});

test('a code is named with its numbers, without them, or apart from them; what is not said is not asked', async (t) => {
  const { run, work, services } = await folderWithNode(t);
  await writeFile(join(work, 'a'), 'one');
  const cases: [string[], object][] = [
    [[], {}],
    [['--code', 'auto'], { code: 'auto' }],
    [['--code', '4+2'], { code: { k: 4, m: 2 } }],
    [['--code', 'gf256'], { code: 'auto', codeName: 'gf256' }],
    [['--code', 'replica:1+2'], { code: { k: 1, m: 2 }, codeName: 'replica' }],
    [['--code', '4+2', '--code-name', 'gf256'], { code: { k: 4, m: 2 }, codeName: 'gf256' }],
  ];
  for (const [i, [args, expected]] of cases.entries()) {
    assert.equal((await run(['add', 'a', '--no-resume', ...args])).code, 0, args.join(' '));
    assert.deepEqual(services.adds[i], { kind: 'file', name: 'a', size: 3, ...expected });
  }
});

test('stdin and an empty file can be added, and --json is one document', async (t) => {
  const { run, work, services } = await folderWithNode(t);
  services.warnings = ['the network is small'];
  const piped = await run(['add', '-', '--json', '--name', 'from stdin'], { input: content });
  assert.equal(piped.code, 0);
  const result = JSON.parse(piped.stdout);
  assert.equal(result.size, content.length);
  assert.match(piped.stderr, /the network is small/);
  const [{ name, sourceId, size } = {}] = services.adds;
  assert.deepEqual([name, sourceId, size], ['from stdin', undefined, undefined]);
  await writeFile(join(work, 'empty'), '');
  const empty = JSON.parse((await run(['add', '--json', 'empty'])).stdout);
  assert.equal(empty.size, 0);
  assert.equal((await run(['get', empty.link, '-o', 'back'])).code, 0);
  assert.equal((await stat(join(work, 'back'))).size, 0);
});

test('an empty file is read too: with another key, or without its holders, it is not there', async (t) => {
  const { run, services, listing } = await folderWithNode(t);
  const { link } = services.put(Buffer.alloc(0));
  const other = `${link.slice(0, -43)}${'A'.repeat(43)}`;
  assert.equal((await run(['get', other, '-o', 'back'])).code, 5);
  services.failReadAfter = 0;
  assert.equal((await run(['get', link, '-o', 'back'])).code, 4);
  assert.deepEqual(await listing(), []);
});

test('without -o the name comes from the catalog, never its folders, else from the root', async (t) => {
  const { run, services, listing } = await folderWithNode(t);
  services.keysKnown = true;
  const evil = services.put(content, { kind: 'file', name: '../../evil' });
  assert.equal((await run(['get', evil.link])).code, 0);
  services.keysKnown = false;
  const unnamed = services.put(Buffer.from('x'));
  assert.equal((await run(['get', unnamed.link])).code, 0);
  assert.deepEqual(await listing(), [unnamed.root, 'evil'].sort());
});

test('what cannot be read is one line and exit code 1, and nothing is sent', async (t) => {
  const { run, work, services } = await folderWithNode(t);
  const missing = await run(['add', 'nothing here']);
  assert.equal(missing.code, 1);
  oneLine(missing.stderr);
  assert.match(missing.stderr, /nothing here does not exist/);
  await symlink('loop', join(work, 'loop'));
  const loop = await run(['add', 'loop']);
  assert.equal(loop.code, 1);
  oneLine(loop.stderr);
  assert.equal((await run(['add', '/dev/null'])).code, 1);
  assert.equal(services.adds.length, 0);
});

test('a file that changes while it is read is not stored', async (t) => {
  const { run, work, services } = await folderWithNode(t);
  const path = join(work, 'growing');
  // More than the buffers between the two processes take, so that the end is unread when the first chunk arrives.
  await writeFile(path, Buffer.alloc(48 * 1024 * 1024));
  let changed: Promise<void> | undefined;
  services.beforeTake = () => {
    changed ??= appendFile(path, 'more');
    return changed;
  };
  const { code, stderr } = await run(['add', 'growing']);
  assert.equal(code, 1);
  oneLine(stderr);
  assert.match(stderr, /growing changed while it was read/);
  assert.equal(services.stored.size, 0);
});

test('a target that exists is kept unless --force', async (t) => {
  const { run, work, services, listing } = await folderWithNode(t);
  const { link } = services.put(content);
  await writeFile(join(work, 'mine'), 'precious');
  const refused = await run(['get', link, '-o', 'mine']);
  assert.equal(refused.code, 1);
  oneLine(refused.stderr);
  assert.equal(await readFile(join(work, 'mine'), 'utf8'), 'precious');
  assert.equal((await run(['get', link, '-o', 'mine', '--force'])).code, 0);
  assert.deepEqual(await readFile(join(work, 'mine')), content);
  assert.equal((await run(['get', link, '-o', 'no/such/folder'])).code, 1);
  assert.deepEqual(await listing(), ['mine']);
});

test('a download that fails has its exit code and leaves no file behind', async (t) => {
  const { run, services, work, listing } = await folderWithNode(t);
  const { link, root } = services.put(content);
  await writeFile(join(work, 'old'), 'old');
  const cases = [
    { failure: new ApiError('not-enough-shards', 'segment 0 stripe 2: 3 of 4 shards can be had'), code: 4 },
    { failure: new ApiError('integrity-failure', 'a frame does not authenticate'), code: 5 },
    { failure: new ApiError('timeout', 'no holder answered in time'), code: 62 },
    { failure: new Error('defect'), code: 1 },
  ];
  for (const failReadAfter of [0, 1, 200_000]) {
    for (const { failure, code } of cases) {
      services.failReadAfter = failReadAfter;
      services.readFailure = failure;
      const ended = await run(['get', link, '-o', 'old', '--force']);
      assert.equal(ended.code, code, `${failure.message} after ${failReadAfter}`);
      oneLine(ended.stderr);
      assert.ok(ended.stderr.includes(failure.message));
      assert.deepEqual(await listing(), ['old']);
      assert.equal(await readFile(join(work, 'old'), 'utf8'), 'old');
    }
  }
  assert.equal((await run(['cat', link])).code, 1);
  services.failReadAfter = undefined;
  const wrong = `holdfast:${root}#${Buffer.alloc(32).toString('base64url')}`;
  assert.equal((await run(['get', wrong, '-o', 'new'])).code, 5);
  assert.equal((await run(['get', `holdfast:${root}`, '-o', 'new'])).code, 64);
  assert.equal((await run(['get', `${link}x`, '-o', 'new'])).code, 64);
  assert.equal((await run(['get', link, '-o', 'new', '--range', '400000-'])).code, 64);
  const unknown = `holdfast:bafyrei${'a'.repeat(52)}#${Buffer.alloc(32).toString('base64url')}`;
  assert.equal((await run(['get', unknown, '-o', 'new'])).code, 1);
  assert.deepEqual(await listing(), ['old']);
});

test('a node that falls silent in mid-answer is exit code 62, and leaves no file behind', async (t) => {
  const { run, work, services, listing } = await folderWithNode(t);
  const { link } = services.put(content);
  await writeFile(join(work, 'a'), content);
  const over = Promise.withResolvers<void>();
  t.after(() => over.resolve());
  let chunks = 0;
  const stall = async () => {
    chunks += 1;
    if (chunks === 2) await over.promise;
  };
  services.beforeGive = stall;
  services.beforeTake = stall;
  for (const args of [
    ['get', link, '-o', 'back'],
    ['add', 'a'],
  ]) {
    chunks = 0;
    const { code, stderr } = await run([...args, '--timeout', '0.7']);
    assert.equal(code, 62, stderr);
    oneLine(stderr);
  }
  assert.deepEqual(await listing(), ['a']);
});

test('an interrupted download ends with 130 and leaves no file behind', async (t) => {
  const { run, services, work, listing } = await folderWithNode(t);
  const { link } = services.put(content);
  let given = 0;
  services.beforeGive = async (signal) => {
    given += 1;
    if (given < 3) return;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  };
  const ended = await run(['get', link, '-o', 'new'], {
    started: (child) => {
      const wait = async () => {
        const written = (await readdir(work)).some((name) => name.endsWith('.part'));
        if (written) child.kill('SIGINT');
        else if (child.exitCode === null) setTimeout(wait, 20);
      };
      void wait();
    },
  });
  assert.equal(ended.code, 130);
  oneLine(ended.stderr);
  assert.deepEqual(await listing(), []);
});

test('an upload that the node refuses, or during which it dies, is told', async (t) => {
  const { run, services, server, work } = await folderWithNode(t);
  await writeFile(join(work, 'a'), Buffer.alloc(20_000_000));
  services.addFailure = new ApiError('too-few-peers', 'code 4+2 needs 6 peers, 3 are connected: connect more');
  const refused = await run(['add', 'a']);
  assert.equal(refused.code, 2);
  assert.equal(refused.stderr, 'holdfast: code 4+2 needs 6 peers, 3 are connected: connect more\n');
  services.addFailure = undefined;
  services.beforeTake = () => server.stop();
  const died = await run(['add', 'a']);
  assert.equal(died.code, 1);
  oneLine(died.stderr);
  assert.equal(services.stored.size, 0);
  assert.equal((await run(['add', 'a'])).code, 6);
});

test('an interrupted upload says how to go on', async (t) => {
  for (const [args, advice] of [
    [['add', 'a'], 'run the same command again, and it goes on where it stopped'],
    [['add', 'a', '--no-resume'], 'nothing was added'],
  ] as const) {
    const { run, services, work } = await folderWithNode(t);
    await writeFile(join(work, 'a'), Buffer.alloc(1_000_000));
    const ended = await run(args, {
      started: (child) => {
        services.beforeTake = async () => {
          // A second signal would end it at once.
          services.beforeTake = async () => {};
          child.kill('SIGINT');
        };
      },
    });
    assert.deepEqual([ended.code, ended.stderr], [130, `holdfast: interrupted: ${advice}\n`]);
  }
});

test('a directory comes back with names, contents, modes, times and links', async (t) => {
  const { run, work, services, listing } = await folderWithNode(t);
  const names = ['plain.txt', 'Ünïcode', '日本語', 'с пробелом', '.hidden', "quote's"];
  await mkdir(join(work, 'tree', 'sub', 'empty'), { recursive: true });
  for (const [i, name] of names.entries())
    await writeFile(join(work, 'tree', 'sub', name), `content ${i}`.repeat(i * 1000));
  await symlink('sub/plain.txt', join(work, 'tree', 'link'));
  await chmod(join(work, 'tree', 'sub', '.hidden'), 0o640);
  await utimes(join(work, 'tree', 'sub', '.hidden'), 1_000_000_000, 1_000_000_000);
  const added = await run(['add', 'tree', '-q']);
  assert.deepEqual([added.code, added.stderr], [0, '']);
  const link = added.stdout.trim();
  assert.equal(services.adds[0]?.kind, 'tree');
  const got = await run(['get', link, '-o', 'back', '--json']);
  assert.equal(got.code, 0, got.stderr);
  assert.equal(JSON.parse(got.stdout).kind, 'tree');
  for (const [i, name] of names.entries()) {
    assert.equal(await readFile(join(work, 'back', 'sub', name), 'utf8'), `content ${i}`.repeat(i * 1000));
  }
  assert.equal(await readlink(join(work, 'back', 'link')), 'sub/plain.txt');
  const restored = await lstat(join(work, 'back', 'sub', '.hidden'));
  assert.deepEqual([restored.mode & 0o777, Math.round(restored.mtimeMs)], [0o640, 1_000_000_000_000]);
  assert.deepEqual(await readdir(join(work, 'back', 'sub', 'empty')), []);
  assert.equal((await run(['get', link, '-o', 'back'])).code, 1);
  await writeFile(join(work, 'back', 'stale'), '');
  assert.equal((await run(['get', link, '-o', 'back', '--force'])).code, 0);
  assert.deepEqual((await readdir(join(work, 'back'))).sort(), ['link', 'sub']);
  assert.equal((await run(['cat', link])).code, 64);
  services.failReadAfter = 20_000;
  assert.equal((await run(['get', link, '-o', 'broken'])).code, 4);
  assert.deepEqual(await listing(), ['back', 'tree']);
});

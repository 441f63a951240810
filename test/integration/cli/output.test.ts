import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { folders, folderWithNode, MAIN } from './cli-fixture.ts';

const isLinux = process.platform === 'linux';

test('output that cannot be written is one line and exit code 1', { skip: !isLinux }, async (t) => {
  const { home, run, work } = await folderWithNode(t);
  const link = (await run(['add', '-', '-q'], { input: 'x'.repeat(300_000) })).stdout.trim();
  const full = await open('/dev/full', 'w');
  t.after(() => full.close());
  for (const args of [['version'], ['ls'], ['cat', link], ['get', link, '-o', '-']]) {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: work,
      env: { ...process.env, HOLDFAST_HOME: home },
      stdio: ['ignore', full.fd, 'pipe'],
    });
    const [stderr, [code]] = await Promise.all([text(child.stderr as Readable), once(child, 'close')]);
    assert.equal(code, 1, args[0]);
    assert.match(stderr, /^holdfast: cannot write the output \(ENOSPC\): [^\n]+\n$/);
  }
});

test('a reader that goes away ends a command without a word', async (t) => {
  const { home, run, work } = await folderWithNode(t);
  const link = (await run(['add', '-', '-q'], { input: 'x'.repeat(3_000_000) })).stdout.trim();
  const child = spawn(process.execPath, [MAIN, 'cat', link], {
    cwd: work,
    env: { ...process.env, HOLDFAST_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stderr = text(child.stderr);
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = await once(child, 'close');
  assert.equal(code, 130);
  assert.equal(await stderr, '');
});

test('what is no file is never replaced by one', { skip: process.platform === 'win32' }, async (t) => {
  const { run, work } = await folderWithNode(t);
  const link = (await run(['add', '-', '-q'], { input: 'data' })).stdout.trim();
  const pipe = join(work, 'pipe');
  await promisify(execFile)('mkfifo', [pipe]);
  const refused = await run(['get', link, '-o', 'pipe', '--force']);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^holdfast: pipe is not a file and is not replaced: [^\n]+\n$/);
  assert.ok((await lstat(pipe)).isFIFO());
});

test('a group without its command, --version and an impossible address are told plainly', async (t) => {
  const { run } = await folderWithNode(t);
  for (const args of [['peers'], ['help', 'nope']]) {
    const group = await run(args);
    assert.equal(group.code, 64);
    assert.match(group.stderr, /\nholdfast: name one of the commands: see `holdfast help`\n$/);
  }
  assert.match((await run(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
  const listen = await run(['config', 'set', 'network.listen', '/ip4/127.0.0.1/tcp/99999']);
  assert.equal(listen.code, 64);
});

test('doctor finds nothing wrong with databases that are not there yet', async (t) => {
  const { run } = await folders(t);
  const { ok, findings } = JSON.parse((await run(['doctor', '--json'])).stdout);
  assert.equal(ok, false);
  const state = (name: string) => findings.find((finding: { name: string }) => finding.name === name).state;
  assert.deepEqual([state('home'), state('identity'), state('databases')], ['failed', 'failed', 'ok']);
});

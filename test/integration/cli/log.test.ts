import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { ClassicLevel } from 'classic-level';
import { homePaths } from '../../../node/config/home.ts';
import { sealValue } from '../../../node/store/checked-value.ts';
import { META_NAMESPACES } from '../../../node/store/meta-namespaces.ts';
import { concat, u64 } from '../../../protocol/bytes.ts';
import { folders, folderWithNode, MAIN } from './cli-fixture.ts';

const FLAGS = ['--lab-enabled', 'true', '--network-listen', '/ip4/127.0.0.1/tcp/0', '--api-port', '0', '--json'];

/** A daemon that is ready. */
async function startDaemon(t: TestContext, home: string) {
  const child = spawn(process.execPath, [MAIN, 'daemon', ...FLAGS], {
    env: { ...process.env, HOLDFAST_HOME: home },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  const closed = once(child, 'close');
  await Promise.race([once(createInterface({ input: child.stdout }), 'line'), closed]);
  assert.equal(child.exitCode, null);
  return { ended: () => closed };
}

/** Changes the stored log as somebody with access to the disk could. */
async function tamper(home: string, change: (log: Tampering) => Promise<void>): Promise<void> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(homePaths(home).meta, {
    keyEncoding: 'view',
    valueEncoding: 'view',
  });
  await level.open({ createIfMissing: false });
  const key = (seq: number) => concat(Uint8Array.of(META_NAMESPACES.securityLog), u64(seq));
  await change({
    get: async (seq) => new Uint8Array(((await level.get(key(seq))) as Uint8Array).subarray(0, -4)),
    put: (seq, value) => level.put(key(seq), sealValue(key(seq), value)),
    del: (seq) => level.del(key(seq)),
  });
  await level.close();
}

interface Tampering {
  get(seq: number): Promise<Uint8Array>;
  put(seq: number, value: Uint8Array): Promise<void>;
  del(seq: number): Promise<void>;
}

test('the log of a node that runs and of one that has stopped: listed, verified, and broken where it was changed', async (t) => {
  const { home, run } = await folders(t);
  await run(['init', '-q']);
  assert.equal((await run(['log', 'verify', '--json'])).stdout, '{"ok":true,"entries":0}\n');
  assert.equal((await run(['log', 'head', '-q'])).stdout, '');
  const daemon = await startDaemon(t, home);
  await run(['peers', 'connect', '/ip4/127.0.0.1/tcp/1/p2p/12D3KooWPWM37KufaSz7JvSctCFqwwcsXQGRx4PALRjzpatw56R2']);
  const { entries } = JSON.parse((await run(['log', 'ls', '--json'])).stdout);
  assert.deepEqual(
    entries.map(({ type }: { type: string }) => type),
    ['admin', 'start', 'checkpoint'],
  );
  assert.equal(entries[0].data.route, '/v1/peers/connect');
  const head = (await run(['log', 'head', '-q'])).stdout.trim();
  assert.match(head, /^3:[0-9a-f]{64}$/);
  assert.equal((await run(['log', 'verify', '--head', head])).code, 0);
  await run(['shutdown']);
  await daemon.ended();

  const stopped = await run(['log', 'verify', '--head', head]);
  assert.equal(stopped.code, 0, stopped.stderr);
  assert.match(stopped.stdout, /whole: 6 entries/);
  assert.match(stopped.stdout, /newest checkpoint: entry 6/);
  assert.match(stopped.stdout, /the head that was given is part of this log/);
  const listed = await run(['log', 'ls', '--type', 'admin', '--since', '1h']);
  assert.match(listed.stdout, /^4 .*admin {2}.*route=\/v1\/shutdown.*\n3 .*route=\/v1\/peers\/connect/);
  assert.equal((await run(['log', 'ls', '--since', '2999-01-01', '-q'])).stdout, '');
  assert.equal((await run(['log', 'ls', '--limit', '2', '-q'])).stdout, '6\n5\n');

  const other = await run(['log', 'verify', '--head', `6:${'0'.repeat(64)}`]);
  assert.equal(other.code, 5);
  assert.match(other.stdout, /BROKEN at entry 6 \(other-history\)/);
  assert.equal((await run(['log', 'verify', '--head', `9:${'0'.repeat(64)}`])).code, 5);

  await tamper(home, async (log) => log.put(4, await log.get(3)));
  const misplaced = await run(['log', 'verify', '--json']);
  assert.equal(misplaced.code, 5);
  assert.deepEqual(JSON.parse(misplaced.stdout).problem.kind, 'misplaced');
  await tamper(home, (log) => log.del(4));
  const missing = await run(['log', 'verify', '-q']);
  assert.deepEqual([missing.code, missing.stdout], [5, '4\n']);
});

test('a running node that finds its log broken makes the command end with 5', async (t) => {
  const { run, services } = await folderWithNode(t);
  assert.equal((await run(['log', 'verify'])).code, 0);
  services.logVerification = { ok: false, entries: 2, problem: { seq: 2, kind: 'altered', detail: 'odd\u001b[2J' } };
  const { code, stdout } = await run(['log', 'verify']);
  assert.equal(code, 5);
  assert.equal(stdout, 'the log is BROKEN at entry 2 (altered): odd\ufffd[2J\n');
  const further = [{ seq: 5, kind: 'missing' as const, detail: 'gone' }];
  services.logVerification = { ...services.logVerification, further, unlisted: 7 };
  assert.match((await run(['log', 'verify'])).stdout, /\nand at entry 5 \(missing\): gone\nand 7 more problems\n$/);
  assert.match(
    (await run(['log', 'ls'])).stdout,
    /^2 {2}1970-01-01T00:00:00Z {2}admin {2}method=POST status=200 ok=true\n1 /,
  );
});

test('odd times, types, limits and heads are bad usage', async (t) => {
  const { run } = await folders(t);
  for (const args of [
    ['ls', '--since', 'yesterday'],
    ['ls', '--since', '2026-13-45'],
    ['ls', '--type', 'A B'],
    ['ls', '--limit', '0'],
    ['verify', '--head', '0:ab'],
    ['verify', '--head', `0:${'0'.repeat(64)}`],
  ]) {
    const { code, stderr } = await run(['log', ...args]);
    assert.equal(code, 64, args.join(' '));
    assert.match(stderr, /^holdfast: [^\n]+\n$/);
  }
});

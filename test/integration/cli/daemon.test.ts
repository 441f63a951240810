import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { homePaths } from '../../../node/config/home.ts';
import { folders, MAIN } from './cli-fixture.ts';

const FLAGS = ['--lab-enabled', 'true', '--network-listen', '/ip4/127.0.0.1/tcp/0', '--api-port', '0', '--json'];

/** A daemon that printed its ready line. */
async function startDaemon(t: TestContext, home: string) {
  const child = spawn(process.execPath, [MAIN, 'daemon', ...FLAGS], {
    env: { ...process.env, HOLDFAST_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const closed = once(child, 'close');
  const stderr = text(child.stderr);
  const line = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), closed]);
  assert.equal(typeof line[0], 'string', `the daemon ended: ${child.exitCode === null ? '' : await stderr}`);
  const ended = async () => ({ code: (await closed)[0], stderr: await stderr });
  return { child, ready: JSON.parse(line[0]), ended };
}

test('a daemon says that it is ready, serves, keeps its home to itself and stops on SIGTERM', async (t) => {
  const { home, run } = await folders(t);
  assert.equal((await run(['daemon'])).code, 1);
  const { peer } = JSON.parse((await run(['init', '--json'])).stdout);
  const { child, ready, ended } = await startDaemon(t, home);
  assert.equal(ready.ready, true);
  assert.equal(ready.peer, peer);
  assert.ok(ready.api.port > 0);
  assert.equal((await run(['id', '-q'])).stdout, `${peer}\n`);
  assert.equal(JSON.parse((await run(['doctor', '--json'])).stdout).ok, true);

  const second = await run(['daemon', ...FLAGS]);
  assert.equal(second.code, 1);
  assert.match(second.stderr, /"code":"already-running"/);
  // Without its address file the database itself must tell.
  const { api } = homePaths(home);
  const address = await readFile(api, 'utf8');
  await rm(api);
  const third = await run(['daemon', ...FLAGS]);
  assert.equal(third.code, 1);
  assert.match(third.stderr, /"code":"home-in-use"/);
  // Nor may one that does not get the home take the address of the node that has it.
  const stranger = JSON.stringify({ host: '127.0.0.1', port: 1 });
  await writeFile(api, stranger);
  assert.match((await run(['daemon', ...FLAGS])).stderr, /"code":"home-in-use"/);
  assert.equal(await readFile(api, 'utf8'), stranger);
  await writeFile(api, address);

  // No peers: an add is refused with figures, not stored on the owner itself.
  const refused = await run(['add', '-'], { input: 'alone' });
  assert.equal(refused.code, 2);
  child.kill('SIGTERM');
  assert.equal((await ended()).code, 0);
  assert.ok(!(await readdir(home)).includes('api.json'));
});

test('shutdown waits until the home is free, also for the next daemon', async (t) => {
  const { home, run } = await folders(t);
  await run(['init', '-q']);
  const first = await startDaemon(t, home);
  assert.equal((await run(['shutdown'])).code, 0);
  const second = await startDaemon(t, home);
  assert.equal(second.ready.peer, first.ready.peer);
  assert.equal((await first.ended()).code, 0);
});

test('a daemon that was killed leaves an address behind that misleads nobody', async (t) => {
  const { home, run } = await folders(t);
  await run(['init', '-q']);
  const { child, ended } = await startDaemon(t, home);
  child.kill('SIGKILL');
  await ended();
  assert.equal((await run(['status'])).code, 6);
  const again = await startDaemon(t, home);
  assert.equal((await run(['status'])).code, 0);
  again.child.kill('SIGINT');
  assert.equal((await again.ended()).code, 0);
});

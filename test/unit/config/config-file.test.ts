import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigError } from '../../../node/config/config-error.ts';
import { readConfigFile, writeConfigValue } from '../../../node/config/config-file.ts';
import { resolveHome } from '../../../node/config/home.ts';

async function pathIn(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-config-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'config.yaml');
}

test('nested and dotted keys are the same, and no file means no values', async (t) => {
  const path = await pathIn(t);
  assert.deepEqual(await readConfigFile(path), new Map());
  await writeFile(path, 'storage:\n  capacity: 1GiB\nlog.level: debug\nnetwork:\n');
  assert.deepEqual(
    await readConfigFile(path),
    new Map([
      ['storage.capacity', '1GiB'],
      ['log.level', 'debug'],
    ]),
  );
});

test('setting a value keeps comments and other values, and taking it out leaves them', async (t) => {
  const path = await pathIn(t);
  await writeFile(path, '# mine\nstorage:\n  capacity: 1GiB # enough\n');
  await writeConfigValue(path, 'log.level', 'debug');
  await writeConfigValue(path, 'storage.capacity', '2GiB');
  await writeConfigValue(path, 'network.bootstrap', ['/ip4/192.0.2.1/tcp/1']);
  const text = await readFile(path, 'utf8');
  assert.match(text, /# mine/);
  assert.match(text, /2GiB # enough/);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await writeConfigValue(path, 'log.level', undefined);
  assert.deepEqual(
    await readConfigFile(path),
    new Map<string, unknown>([
      ['storage.capacity', '2GiB'],
      ['network.bootstrap', ['/ip4/192.0.2.1/tcp/1']],
    ]),
  );
});

test('a dotted key is changed where it stands, and an empty section is filled', async (t) => {
  const path = await pathIn(t);
  await writeFile(path, 'log.level: debug\nnetwork:\n');
  await writeConfigValue(path, 'log.level', 'warn');
  await writeConfigValue(path, 'network.name', 'lab');
  assert.deepEqual(
    await readConfigFile(path),
    new Map([
      ['log.level', 'warn'],
      ['network.name', 'lab'],
    ]),
  );
});

test('what is no configuration is refused and not overwritten', async (t) => {
  const path = await pathIn(t);
  const bad = [
    'a: [',
    '- list',
    'text',
    'a: 1\na: 2',
    'log.level: info\nlog:\n  level: info',
    'a: &x 1\nb: *x',
    `a: ${'x'.repeat(300_000)}`,
  ];
  for (const text of bad) {
    await writeFile(path, text);
    await assert.rejects(
      readConfigFile(path),
      (error) => error instanceof ConfigError && error.code === 'invalid-file' && !error.message.includes('\n'),
      text.slice(0, 20),
    );
  }
  await writeFile(path, 'a: [');
  await assert.rejects(writeConfigValue(path, 'log.level', 'info'), ConfigError);
  assert.equal(await readFile(path, 'utf8'), 'a: [');
});

test('the home is the flag, the variable, or the XDG data folder', () => {
  const user = () => '/users/a';
  assert.equal(resolveHome({ HOLDFAST_HOME: '/env', XDG_DATA_HOME: '/xdg' }, '/flag', user), '/flag');
  assert.equal(resolveHome({ HOLDFAST_HOME: '/env', XDG_DATA_HOME: '/xdg' }, undefined, user), '/env');
  assert.equal(resolveHome({ XDG_DATA_HOME: '/xdg' }, undefined, user), '/xdg/holdfast');
  assert.equal(
    resolveHome({ HOLDFAST_HOME: '', XDG_DATA_HOME: 'relative' }, undefined, user),
    '/users/a/.local/share/holdfast',
  );
});

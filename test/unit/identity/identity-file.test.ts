import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { clearFresh, isFresh, markFresh } from '../../../node/config/fresh-home.ts';
import { homePaths } from '../../../node/config/home.ts';
import { identityFromSeed } from '../../../node/identity/identity.ts';
import { IdentityError, type IdentityErrorType } from '../../../node/identity/identity-error.ts';
import { initialiseHome, isInitialised, loadIdentity } from '../../../node/identity/identity-file.ts';
import { loadToken } from '../../../node/identity/token.ts';

const identity = identityFromSeed(new Uint8Array(32).fill(1));

async function newHome(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-home-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'deeper', 'home');
}

const withCode = (code: IdentityErrorType['code']) => (error: unknown) =>
  error instanceof IdentityError && error.code === code;

test('a new home is for its owner only and gives the identity back', async (t) => {
  const home = await newHome(t);
  await assert.rejects(loadIdentity(home), withCode('not-initialised'));
  await initialiseHome(home, identity, () => markFresh(home));
  const paths = homePaths(home);
  assert.equal((await stat(home)).mode & 0o777, 0o700);
  for (const path of [paths.identity, paths.token]) assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await loadIdentity(home)).peerId, identity.peerId);
  assert.match(await loadToken(home), /^[\w-]{43}$/);
  assert.equal(await isFresh(home), true);
  await clearFresh(home);
  assert.equal(await isFresh(home), false);
});

test('an initialised home is refused and stays as it is', async (t) => {
  const home = await newHome(t);
  await initialiseHome(home, identity, async () => {});
  const before = await Promise.all((await readdir(home)).sort().map((name) => readFile(join(home, name), 'utf8')));
  const other = identityFromSeed(new Uint8Array(32).fill(2));
  await assert.rejects(
    initialiseHome(home, other, async () => {}),
    withCode('already-initialised'),
  );
  const after = await Promise.all((await readdir(home)).sort().map((name) => readFile(join(home, name), 'utf8')));
  assert.deepEqual(after, before);
});

test('of two that initialise one home at the same time, one wins', async (t) => {
  const home = await newHome(t);
  const others = [1, 2, 3].map((n) => identityFromSeed(new Uint8Array(32).fill(n)));
  const ends = await Promise.allSettled(others.map((one) => initialiseHome(home, one, async () => {})));
  const won = ends.flatMap((end, i) => (end.status === 'fulfilled' ? [others[i]?.peerId] : []));
  assert.deepEqual(won, [(await loadIdentity(home)).peerId]);
});

test('a failure in the middle leaves a home that can be initialised again', async (t) => {
  const home = await newHome(t);
  await assert.rejects(
    initialiseHome(home, identity, () => Promise.reject(new Error('power cut'))),
    /power cut/,
  );
  assert.equal(await isInitialised(home), false);
  await initialiseHome(home, identity, async () => {});
  assert.equal((await loadIdentity(home)).peerId, identity.peerId);
});

test('a home that has databases is not marked as fresh', async (t) => {
  const home = await newHome(t);
  await mkdir(homePaths(home).meta, { recursive: true });
  await initialiseHome(home, identity, () => markFresh(home));
  assert.equal(await isFresh(home), false);
});

test('secrets that others can read are not used, damaged ones are named', async (t) => {
  const home = await newHome(t);
  await initialiseHome(home, identity, async () => {});
  const { identity: path, token } = homePaths(home);
  const good = JSON.parse(await readFile(path, 'utf8'));
  for (const mode of [0o640, 0o604, 0o620]) {
    await chmod(path, mode);
    await assert.rejects(loadIdentity(home), withCode('exposed-secret'));
  }
  await chmod(token, 0o644);
  await assert.rejects(loadToken(home), withCode('exposed-secret'));
  await chmod(path, 0o600);
  const bad = [
    '',
    '{',
    '[]',
    '{}',
    JSON.stringify({ ...good, seed: '00'.repeat(32) }),
    JSON.stringify({ ...good, seed: 'zz' }),
    ' '.repeat(5000),
  ];
  for (const text of bad) {
    await writeFile(path, text);
    await assert.rejects(loadIdentity(home), withCode('damaged-identity'), text.slice(0, 10));
  }
});

import assert from 'node:assert/strict';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { prepareSchema } from '../../../node/store/schema.ts';
import { openTestStores, shards, stageAll, temporaryFolder } from '../../helpers/store-home.ts';

test('a home is created only when asked for, and only once', async (t) => {
  const home = join(await temporaryFolder(t), 'deep', 'home');
  await assert.rejects(openTestStores(t, { home, create: false }), { code: 'not-initialised' });
  await assert.rejects(stat(home), { code: 'ENOENT' });
  const stores = await openTestStores(t, { home });
  await stores.close();
  const names = await readdir(home);
  assert.deepEqual(names.sort(), ['ballast', 'meta', 'shards', 'store-initialised']);
  await (await openTestStores(t, { home, create: false })).close();
});

for (const database of ['shards', 'meta']) {
  test(`a lost CURRENT of ${database} is refused, and no table is touched, whether or not asked to create`, async (t) => {
    const stores = await openTestStores(t);
    await stageAll(stores, 'alice', shards(3));
    await stores.close();
    const folder = join(stores.home, database);
    await rm(join(folder, 'CURRENT'));
    const before = (await readdir(folder)).sort();
    for (const create of [true, false]) {
      await assert.rejects(
        openTestStores(t, { home: stores.home, create }),
        (error: { code?: string; message: string }) => {
          assert.equal(error.code, 'damaged-home');
          assert.match(error.message, /CURRENT.*holdfast doctor$/);
          return true;
        },
      );
    }
    assert.deepEqual((await readdir(folder)).sort(), before);
  });
}

test('tables without CURRENT are refused even when the marker is lost too', async (t) => {
  const stores = await openTestStores(t);
  await stores.close();
  await rm(join(stores.home, 'store-initialised'));
  await rm(join(stores.home, 'shards', 'CURRENT'));
  await assert.rejects(openTestStores(t, { home: stores.home }), { code: 'damaged-home' });
});

test('an init that was interrupted before its marker can be repeated', async (t) => {
  const stores = await openTestStores(t);
  await stores.close();
  await rm(join(stores.home, 'store-initialised'));
  await rm(join(stores.home, 'shards'), { recursive: true });
  await mkdir(join(stores.home, 'shards'));
  await assert.rejects(openTestStores(t, { home: stores.home, create: false }), { code: 'not-initialised' });
  const again = await openTestStores(t, { home: stores.home });
  assert.equal(again.shards.usage().shards, 0);
});

test('a vanished database folder is a damaged home, not a new one', async (t) => {
  const stores = await openTestStores(t);
  await stores.close();
  await rm(join(stores.home, 'shards'), { recursive: true });
  await assert.rejects(openTestStores(t, { home: stores.home }), { code: 'damaged-home' });
  // The other database was let go again.
  await assert.rejects(openTestStores(t, { home: stores.home }), { code: 'damaged-home' });
});

test('a damaged MANIFEST of LevelDB is a damaged home with its reason', async (t) => {
  const stores = await openTestStores(t);
  await stores.close();
  const folder = join(stores.home, 'meta');
  const manifest = (await readdir(folder)).find((name) => name.startsWith('MANIFEST')) as string;
  await writeFile(join(folder, manifest), 'garbage');
  await assert.rejects(openTestStores(t, { home: stores.home }), { code: 'damaged-home', message: /holdfast doctor/ });
});

test('a home in use says so and works on', async (t) => {
  const stores = await openTestStores(t);
  await assert.rejects(openTestStores(t, { home: stores.home }), { code: 'home-in-use', message: /in use/ });
  await stageAll(stores, 'alice', shards(1));
});

test('a home of a later schema is refused, and opens again with that version', async (t) => {
  const stores = await openTestStores(t);
  const options = { name: 'meta', home: stores.home, create: false } as const;
  await prepareSchema(stores.databases.meta, { ...options, target: 2 });
  await stores.close();
  await assert.rejects(openTestStores(t, { home: stores.home }), (error: { type?: object }) => {
    assert.deepEqual(error.type, { code: 'schema-too-new', path: stores.home, found: 2, supported: 1 });
    return true;
  });
});

test('migrations run in order, once, and only those of their database', async (t) => {
  const { databases, home } = await openTestStores(t);
  const ran: string[] = [];
  const step = (database: 'meta' | 'shards', to: number) => ({
    database,
    to,
    run: async () => void ran.push(`${database} ${to}`),
  });
  const migrations = [step('meta', 3), step('shards', 2), step('meta', 2)];
  const options = { name: 'meta', home, create: false, migrations } as const;
  await prepareSchema(databases.meta, { ...options, target: 3 });
  await prepareSchema(databases.meta, { ...options, target: 3 });
  assert.deepEqual(ran, ['meta 2', 'meta 3']);
});

test('a migration that fails is run again at the next start', async (t) => {
  const { databases, home } = await openTestStores(t);
  let attempts = 0;
  const run = async (): Promise<void> => {
    if (++attempts === 1) throw new Error('interrupted');
  };
  const options = {
    name: 'meta',
    home,
    create: false,
    target: 2,
    migrations: [{ database: 'meta', to: 2, run }],
  } as const;
  await assert.rejects(prepareSchema(databases.meta, options), /interrupted/);
  await prepareSchema(databases.meta, options);
  assert.equal(attempts, 2);
});

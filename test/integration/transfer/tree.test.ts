import assert from 'node:assert/strict';
import {
  appendFile,
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { decodeIndex } from '../../../node/transfer/tree.ts';
import { restoreFile, restoreTree } from '../../../node/transfer/tree-restore.ts';
import { walkTree } from '../../../node/transfer/tree-walk.ts';
import { collect, pieces } from '../../helpers/transfer-bench.ts';
import { watchSyncs } from '../../helpers/watch-syncs.ts';

let home: string;
before(async () => {
  home = await mkdtemp(join(tmpdir(), 'holdfast-tree-'));
});
after(() => rm(home, { recursive: true, force: true }));

async function sample(name: string): Promise<string> {
  const root = join(home, name);
  await mkdir(join(root, 'деревня/深い'), { recursive: true });
  await mkdir(join(root, 'empty'));
  await writeFile(join(root, 'a.txt'), 'first');
  await writeFile(join(root, 'деревня/e\u0301 σ.bin'), Buffer.alloc(600_000, 7));
  await writeFile(join(root, 'деревня/深い/zero'), '');
  await symlink('../../a.txt', join(root, 'деревня/深い/link'));
  await chmod(join(root, 'a.txt'), 0o600);
  await utimes(join(root, 'a.txt'), 1_000_000, 1_000_000.25);
  await chmod(join(root, 'empty'), 0o555);
  await utimes(join(root, 'empty'), 1, 2);
  return root;
}

test('a tree comes back with its names, modes, times and links', async () => {
  const source = await walkTree(await sample('tree'));
  const object = await collect(source.read());
  assert.equal(object.length, source.size);
  const body = object.length - source.indexLength;
  const entries = decodeIndex(object.subarray(body), body);
  const target = join(home, 'restored');
  await restoreTree(target, entries, pieces(object.subarray(0, body), 1000));
  assert.equal(await readFile(join(target, 'a.txt'), 'utf8'), 'first');
  assert.deepEqual(await readFile(join(target, 'деревня/e\u0301 σ.bin')), Buffer.alloc(600_000, 7));
  assert.equal(await readlink(join(target, 'деревня/深い/link')), '../../a.txt');
  const at = async (path: string) => {
    const { mode, mtimeMs } = await stat(join(target, path));
    return [mode & 0o777, Math.floor(mtimeMs)];
  };
  assert.deepEqual(await at('a.txt'), [0o600, 1_000_000_250]);
  assert.deepEqual(await at('empty'), [0o555, 2000]);
  assert.deepEqual((await walkTree(target)).entries, source.entries);
});

test('every file is synced, then its folders, and at last the one in which the tree appears', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const source = await walkTree(await sample('durable'));
  const object = await collect(source.read());
  const body = object.length - source.indexLength;
  const parent = await mkdtemp(join(home, 'parent-'));
  const synced = await watchSyncs(t, () => readdir(parent));
  await restoreTree(join(parent, 'tree'), source.entries, pieces(object.subarray(0, body)), { durable: true });
  const inTree = synced.map(({ path }) => relative(parent, path).split('/').slice(1).join('/'));
  const [files, folders] = [inTree.slice(0, 3), inTree.slice(3, -1)];
  assert.deepEqual(files.toSorted(), ['a.txt', 'деревня/e\u0301 σ.bin', 'деревня/深い/zero'].toSorted());
  assert.deepEqual(folders.toSorted(), ['', 'empty', 'деревня', 'деревня/深い'].toSorted());
  assert.ok(folders.indexOf('деревня/深い') < folders.indexOf('деревня'));
  assert.equal(folders.at(-1), '');
  assert.deepEqual(synced.at(-1), { path: parent, found: ['tree'] });
});

test('times come back to the millisecond, also those from before 1970', async () => {
  const root = join(home, 'times');
  const times = [13_132_848_791, 1_795_239_898_145, 4_320_016_049, 1, 0, -1, -269_559_930_470, -1_000];
  for (const time of times) {
    const entries = [
      { path: '', type: 'dir', mode: 0o755, mtime: time },
      { path: 'file', type: 'file', offset: 0, length: 0, mode: 0o644, mtime: time },
      { path: 'link', type: 'symlink', target: 'file', mode: 0o777, mtime: time },
    ] as const;
    await restoreTree(root, entries, pieces(new Uint8Array(), 1));
    for (const { path } of entries) {
      const { mtimeNs } = await lstat(join(root, path), { bigint: true });
      assert.equal(Math.round(Number(mtimeNs) / 1e6), time, `${path} at ${time}`);
    }
    await rm(root, { recursive: true });
  }
});

test('a tree that ends too early, or whose target exists, leaves nothing behind', async () => {
  const source = await walkTree(await sample('short'));
  const object = await collect(source.read());
  const before = await readdir(home);
  const cut = restoreTree(join(home, 'cut'), source.entries, pieces(object.subarray(0, 300_000)));
  await assert.rejects(cut, { code: 'truncated' });
  await assert.rejects(restoreTree(join(home, 'short'), source.entries, pieces(object)), { code: 'target-exists' });
  assert.deepEqual(await readdir(home), before);
});

test('a file that changes between the walk and the end of reading is an error', async () => {
  const root = await sample('changing');
  const changes = [
    () => appendFile(join(root, 'a.txt'), 'more'),
    () => writeFile(join(root, 'a.txt'), 'FIRST'),
    () => rm(join(root, 'a.txt')).then(() => writeFile(join(root, 'a.txt'), 'first')),
  ];
  for (const change of changes) {
    const source = await walkTree(root);
    await change();
    await assert.rejects(collect(source.read()), {
      code: 'source-changed',
      type: { code: 'source-changed', path: 'a.txt' },
    });
  }
  const source = await walkTree(root);
  const reading = source.read();
  for await (const chunk of reading) {
    // The large file is read in several pieces: it grows between two of them.
    if (chunk.length > 1000) break;
  }
  const again = (await walkTree(root)).read();
  await assert.rejects(
    async () => {
      for await (const chunk of again) {
        if (chunk.length > 1000) await appendFile(join(root, 'деревня/e\u0301 σ.bin'), 'x');
      }
    },
    { code: 'source-changed' },
  );
});

test('what cannot be restored is refused when it is added', async () => {
  const root = join(home, 'refused');
  await mkdir(root);
  await symlink('/etc/passwd', join(root, 'out'));
  await assert.rejects(walkTree(root), { code: 'unsafe-name' });
  await rm(join(root, 'out'));
  await writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0x66, 0xff)]), '');
  await assert.rejects(walkTree(root), { code: 'unsafe-name' });
  await assert.rejects(walkTree(join(home, 'tree/a.txt')), { code: 'not-a-directory' });
  await assert.rejects(walkTree(join(home, 'nowhere')), { code: 'ENOENT' });
});

test('a file appears under its name only when it is complete, and replaces, never follows, a link', async () => {
  const victim = join(home, 'victim');
  const target = join(home, 'file');
  await writeFile(victim, 'precious');
  await symlink(victim, target);
  const failing = (async function* () {
    yield Buffer.from('half');
    throw new Error('lost');
  })();
  const before = await readdir(home);
  await assert.rejects(restoreFile(target, failing), { message: 'lost' });
  assert.deepEqual(await readdir(home), before);
  assert.deepEqual(await restoreFile(target, pieces(Buffer.from('whole'))), { bytes: 5 });
  assert.equal(await readFile(target, 'utf8'), 'whole');
  assert.equal(await readFile(victim, 'utf8'), 'precious');
});

import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { ApiClient } from '../../../cli/api-client.ts';
import type { CommandContext } from '../../../cli/context.ts';
import { restoreDirectory } from '../../../cli/restore-directory.ts';
import { walkTree } from '../../../node/transfer/tree-walk.ts';
import { collect } from '../../helpers/transfer-bench.ts';
import { watchSyncs } from '../../helpers/watch-syncs.ts';
import { folderWithNode } from './cli-fixture.ts';

test('a tree that is replaced stays until the new one has its name for good', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const { home, work, services } = await folderWithNode(t);
  const { signal } = new AbortController();
  const target = join(work, 'tree');
  await mkdir(target);
  await writeFile(join(target, 'file'), 'new');
  const { indexLength, ...source } = await walkTree(target);
  const { root, size } = services.put(await collect(source.read()), { kind: 'tree', indexLength });
  services.keysKnown = true;
  await writeFile(join(target, 'file'), 'old');
  const contents = async () => {
    const names = await readdir(work);
    const texts = names.map((name) => readFile(join(work, name, 'file'), 'utf8').catch(() => ''));
    return { names: names.length, texts: (await Promise.all(texts)).toSorted(), isNew: await isNew() };
  };
  const isNew = async () => (await readFile(join(target, 'file'), 'utf8').catch(() => '')) === 'new';
  const synced = await watchSyncs(t, contents);
  const client = await ApiClient.of({ home, signal, timeoutMs: undefined } as CommandContext);
  const head = { size, kind: 'tree', indexLength } as const;
  await restoreDirectory(client, { root }, head, { target, force: true, onBytes: () => undefined, signal });
  const last = synced.at(-1);
  assert.equal(basename(last?.path ?? ''), basename(work));
  assert.deepEqual(last?.found, { names: 2, texts: ['new', 'old'], isNew: true });
  assert.deepEqual([await readdir(work), await isNew()], [['tree'], true]);
});

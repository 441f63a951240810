import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LAB_TUNING } from '../../../node/store/stores.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { assertCountersExact, cidOf, openTestStores, shards, stageAll, uploadId } from '../../helpers/store-home.ts';

const MIB = 1024 * 1024;

const run = (command: string, ...options: string[]) => execFileSync(command, options, { stdio: 'ignore' });

/** A file system of its own of 64 MiB; undefined when this user may not mount one. */
async function smallDisk(t: TestContext): Promise<string | undefined> {
  const disk = await mkdtemp(join(tmpdir(), 'holdfast-disk-'));
  let mounted = false;
  t.after(async () => {
    if (mounted) run('umount', '-l', disk);
    await rm(disk, { recursive: true, force: true });
  });
  try {
    run('mount', '-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk);
    mounted = true;
    return disk;
  } catch {
    return undefined;
  }
}

async function fill(disk: string, leaveBytes: number): Promise<string> {
  const { bavail, bsize } = await statfs(disk);
  const path = join(disk, 'filler');
  await writeFile(path, new Uint8Array(Math.max(0, bavail * bsize - leaveBytes)));
  return path;
}

const tuning = { ...LAB_TUNING, shardBufferBytes: 2 * MIB, ballastBytes: 4 * MIB, headroomBytes: 2 * MIB };

test('a full disk: staging is refused, reads and releases go on, and writing resumes when space is back', async (t) => {
  const disk = await smallDisk(t);
  if (disk === undefined) return t.skip('mounting a small tmpfs needs root');
  const home = join(disk, 'home');
  const stores = await openTestStores(t, { home, tuning });
  const list = shards(40);
  const kept = list.slice(0, 12);
  await stageAll(stores, 'alice', kept);
  const root = cidOf('root');
  await stores.shards.reference(
    'alice',
    root,
    cidOf('segment'),
    kept.slice(0, 4).map(({ id }, index) => ({ index, id })),
  );

  // Another program takes the rest of the disk while a stage call is under way.
  const ticket = await stores.shards.stage(
    'bob',
    uploadId(2),
    list.slice(12).map(({ id }) => id),
  );
  const filler = await fill(disk, MIB);
  const putAll = async (): Promise<void> => {
    for (const { id, bytes } of list.slice(12)) await ticket.put(id, bytes);
    await ticket.commit();
  };
  await assert.rejects(putAll(), { code: 'disk-full', message: /free some, writing resumes by itself/ });
  ticket.abort();
  await assert.rejects(stat(join(home, 'ballast')), { code: 'ENOENT' });

  for (const { id, bytes } of kept) assert.deepEqual(await stores.shards.get(id), bytes);
  await assert.rejects(stores.shards.stage('bob', uploadId(2), [list[39]!.id]), { code: 'disk-full' });
  // The ballast that was given up lets small writes through.
  assert.deepEqual(await stores.shards.release(root), { freedBytes: 4 * SHARD_BYTES });
  await stores.journal.put(uploadId(1), 'head', Uint8Array.of(1));
  await assertCountersExact(stores);

  await rm(filler);
  await stageAll(stores, 'bob', list.slice(12, 20), uploadId(2));
  assert.equal((await stat(join(home, 'ballast'))).size, 4 * MIB);
  await assertCountersExact(stores);
  assert.equal(stores.shards.usage().reservedBytes, 0);
  await stores.close();
  const again = await openTestStores(t, { home, tuning, create: false });
  for (const { id, bytes } of [...kept.slice(4), ...list.slice(12, 20)])
    assert.deepEqual(await again.shards.get(id), bytes);
  await assertCountersExact(again);
});

test('less free disk than the headroom refuses new shards before anything fails', async (t) => {
  const disk = await smallDisk(t);
  if (disk === undefined) return t.skip('mounting a small tmpfs needs root');
  const stores = await openTestStores(t, { home: join(disk, 'home'), tuning: { ...tuning, headroomBytes: 16 * MIB } });
  await stageAll(stores, 'alice', shards(2));
  const filler = await fill(disk, 15 * MIB);
  await assert.rejects(stageAll(stores, 'alice', shards(1, 5)), { code: 'disk-full' });
  assert.equal(stores.databases.shards.failed, false);
  await rm(filler);
  await stageAll(stores, 'alice', shards(1, 5));
});

import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DiskGuard } from '../../../node/store/disk-guard.ts';
import { temporaryFolder } from '../../helpers/store-home.ts';

const BALLAST_BYTES = 4 * 1024 * 1024;

test('a ballast that is given up while it is made is made again later', async (t) => {
  const path = join(await temporaryFolder(t), 'ballast');
  const disk = new DiskGuard({ path, ballastBytes: BALLAST_BYTES, headroomBytes: 0 });
  // One release for each step of the making, so that some meet it halfway.
  for (let turns = 0; turns < 12; turns++) {
    const making = disk.admit(0).catch((error) => assert.equal(error.code, 'disk-full'));
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([making, disk.release()]);
    // Whichever came last counts, and the file agrees.
    const present = await stat(path).then(
      ({ size }) => size === BALLAST_BYTES,
      () => false,
    );
    assert.equal(disk.full, !present);
    await disk.admit(0);
    assert.equal(disk.full, false);
    assert.equal((await stat(path)).size, BALLAST_BYTES);
    await disk.release();
  }
});

test('a disk has room as long as it keeps its headroom, and a ballast that is missing fits beside it', async (t) => {
  const path = join(await temporaryFolder(t), 'ballast');
  class SmallDisk extends DiskGuard {
    free = 0;
    override async freeBytes(): Promise<number> {
      return this.free;
    }
  }
  const disk = new SmallDisk({ path, ballastBytes: BALLAST_BYTES, headroomBytes: 1000 });
  const room = async (free: number) => {
    disk.free = free;
    return disk.hasRoom();
  };
  assert.deepEqual([await room(BALLAST_BYTES + 999), await room(BALLAST_BYTES + 1000)], [false, true]);
  await disk.admit(0);
  assert.deepEqual([await room(999), await room(1000)], [false, true]);
  await disk.release();
  assert.deepEqual([await room(BALLAST_BYTES + 999), await room(BALLAST_BYTES + 1000)], [false, true]);
});

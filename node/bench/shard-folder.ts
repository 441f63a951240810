import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { Database } from '../store/database.ts';
import { DiskGuard } from '../store/disk-guard.ts';
import { ShardStore } from '../store/shard-store.ts';

const MIB = 1024 * 1024;
const CAPACITY_BYTES = 64 * 1024 * MIB;

/** The shard store of a node in a folder, with its usual buffers; made when it is not there. */
export async function openShardFolder(
  folder: string,
  clock: Clock,
): Promise<{ readonly store: ShardStore; readonly close: () => Promise<void> }> {
  const disk = new DiskGuard({ path: join(folder, 'ballast'), ballastBytes: 0, headroomBytes: 0 });
  await disk.start();
  const database = await Database.open({
    path: join(folder, 'shards'),
    createIfMissing: true,
    writeBufferBytes: 64 * MIB,
    maxFileBytes: 64 * MIB,
    disk,
  });
  const quota = { stagedBytesPerPeer: CAPACITY_BYTES, storedBytesPerPeer: CAPACITY_BYTES };
  const store = await ShardStore.open({ database, disk, clock, capacityBytes: CAPACITY_BYTES, quota, trashTimeMs: 0 });
  return { store, close: () => database.close() };
}

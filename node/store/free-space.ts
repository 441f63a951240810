import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes that shards may take below `home`: free on its disk, and what the shard database takes already. */
export async function freeBytesFor(home: string): Promise<number> {
  const { bavail, bsize } = await statfs(home);
  return bavail * bsize + (await folderBytes(join(home, 'shards')));
}

async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    // A table may be compacted away between the two calls.
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

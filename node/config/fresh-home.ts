import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { homePaths } from './home.ts';
import { syncFolder, writeFileAtomically } from './private-file.ts';

/**
 * A database may be created only in a home that never had one: opening with `createIfMissing` over a damaged database
 * deletes its tables. `init` leaves this mark; the node takes it away once both databases are open and synced.
 */
function markPath(home: string): string {
  return join(home, 'fresh');
}

/** Marks a home without databases; one that has any (a recovered identity) stays unmarked. */
export async function markFresh(home: string): Promise<void> {
  const { shards, meta } = homePaths(home);
  if ((await exists(shards)) || (await exists(meta))) return;
  await writeFileAtomically(markPath(home), 'no database was opened here yet\n');
}

/** Whether databases may be created here. */
export function isFresh(home: string): Promise<boolean> {
  return exists(markPath(home));
}

/** Call when both databases were created and each holds one synced write. */
export async function clearFresh(home: string): Promise<void> {
  await rm(markPath(home), { force: true });
  await syncFolder(home);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

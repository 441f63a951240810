import { mkdir, open, readdir, rename, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { syncFolder } from '../config/private-file.ts';
import { StoreError } from './errors.ts';

/** Written last when a home is created: from then on its databases are never created again. */
const MARKER = 'store-initialised';
/** Where LevelDB keeps data. Without CURRENT it would delete them when told to create. */
const REMAINS = /^\d+\.(log|ldb|sst)$/;

export async function isInitialised(home: string): Promise<boolean> {
  return exists(join(home, MARKER));
}

/** Records, durably, that the databases of this home exist and were synced once. */
export async function markInitialised(home: string, folders: readonly string[]): Promise<void> {
  for (const folder of folders) await syncFolder(folder);
  const temporary = join(home, `${MARKER}.new`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile('The databases beside this file hold data: do not delete it.\n');
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(home, MARKER));
  await syncFolder(home);
}

/**
 * Makes the folder and syncs the entries that lead to it: any of the folders above may be as new as this one. Those that
 * may not be read were there before.
 */
export async function makeHome(home: string): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  for (let folder = resolve(home); folder !== dirname(folder); folder = dirname(folder)) {
    const synced = await syncFolder(dirname(folder)).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EACCES' || error.code === 'EPERM' || error.code === 'EINVAL') return false;
        throw error;
      },
    );
    if (!synced) return;
  }
}

/**
 * Whether LevelDB may create a database in `folder`.
 * @throws StoreError `damaged-home` when data are there but their CURRENT is lost, or when all of it is gone.
 */
export async function mayCreate(home: string, folder: string, initialised: boolean): Promise<boolean> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw new StoreError({ code: error.code === 'EACCES' ? 'no-access' : 'io-error', path: folder }, { cause: error });
  });
  if (names.includes('CURRENT')) return false;
  if (initialised) throw damaged(home, `${folder} has lost its CURRENT file`);
  if (names.some((name) => REMAINS.test(name))) throw damaged(home, `${folder} holds tables but no CURRENT file`);
  return true;
}

const damaged = (path: string, reason: string): StoreError => new StoreError({ code: 'damaged-home', path, reason });

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

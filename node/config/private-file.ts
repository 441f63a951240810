import { chmod, link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemRandom } from '../random.ts';

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;

/**
 * Creates the folder, for its owner only, and its parents. A folder that is there already keeps its mode: it may be one that
 * others need. Returns whether others can enter it.
 */
export async function createPrivateFolder(path: string): Promise<{ readonly open: boolean }> {
  const created = await mkdir(path, { recursive: true, mode: OWNER_ONLY_FOLDER });
  if (created !== undefined) await chmod(path, OWNER_ONLY_FOLDER);
  const { mode } = await stat(path);
  return { open: process.platform !== 'win32' && (mode & ~OWNER_ONLY_FOLDER & 0o777) !== 0 };
}

/** Replaces the file as a whole, synced, mode 600: a reader sees the old or the new content, also after a power cut. */
export async function writeFileAtomically(path: string, content: string): Promise<void> {
  await viaTemporary(path, content, rename);
}

/** Like `writeFileAtomically`, but never replaces. @throws EEXIST */
export async function createFileAtomically(path: string, content: string): Promise<void> {
  await viaTemporary(path, content, async (temporary, target) => {
    await link(temporary, target);
    await rm(temporary);
  });
}

async function viaTemporary(
  path: string,
  content: string,
  publish: (temporary: string, target: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${Buffer.from(systemRandom(6)).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', OWNER_ONLY_FILE);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await publish(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Makes a rename or link durable. Windows has no such call and needs none. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

import { chmod, link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemRandom } from '../random.ts';

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;

/** Creates the folder and its parents; the folder itself is for its owner only. */
export async function createPrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: OWNER_ONLY_FOLDER });
  await chmod(path, OWNER_ONLY_FOLDER);
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

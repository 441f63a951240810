import { constants } from 'node:fs';
import { chmod, type FileHandle, lstat, lutimes, mkdir, open, rename, rm, symlink, utimes } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { toHex } from '../../protocol/bytes.ts';
import { syncFolder } from '../config/private-file.ts';
import { systemRandom } from '../random.ts';
import { type TreeEntry, TreeError } from './tree.ts';

/** Files are created new, never through a link that is there already. */
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Set-user-id, set-group-id and sticky bits of a stranger's tree are not restored. */
const PERMISSIONS = 0o777;

/**
 * Writes a stream to a file that appears under its name only when it is complete: written beside it, synced, renamed.
 * An existing file is replaced by the rename. A failure leaves nothing behind.
 */
export async function restoreFile(
  target: string,
  body: AsyncIterable<Uint8Array>,
): Promise<{ readonly bytes: number }> {
  const full = resolve(target);
  const temporary = temporarySibling(full);
  try {
    const file = await open(temporary, CREATE, 0o666);
    let bytes = 0;
    try {
      for await (const chunk of body) {
        await writeAll(file, chunk);
        bytes += chunk.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, full);
    return { bytes };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Restores a tree under `target`, which must not exist: everything is written into a sibling directory that is renamed
 * at the end, so that a partial tree never has the final name.
 *
 * @param entries as `decodeIndex` gave them: names and links are checked there
 * @param body the bodies one after the other, without the index
 * @param options `durable`: on return; each file costs a write of the disk's cache then
 * @throws TreeError 'target-exists' | 'truncated', or the file system's error
 */
export async function restoreTree(
  target: string,
  entries: readonly TreeEntry[],
  body: AsyncIterable<Uint8Array>,
  { signal, durable = false }: { readonly signal?: AbortSignal; readonly durable?: boolean } = {},
): Promise<void> {
  const full = resolve(target);
  if (await exists(full)) throw targetExists(full);
  const temporary = temporarySibling(full);
  await mkdir(temporary, { mode: 0o700 });
  try {
    const reader = new BodyReader(body);
    for (const entry of entries) {
      signal?.throwIfAborted();
      await restoreEntry(join(temporary, entry.path), entry, reader, durable);
    }
    await reader.close();
    // Deepest first: a directory that may not be written to, or whose time would change, is finished after its contents.
    for (const entry of [...entries].reverse()) {
      if (entry.type !== 'dir') continue;
      const folder = join(temporary, entry.path);
      // While it may still be opened.
      if (durable) await syncFolder(folder);
      await finish(folder, entry);
    }
    if (await exists(full)) throw targetExists(full);
    await rename(temporary, full);
    if (durable) await syncFolder(dirname(full));
  } catch (error) {
    await removeTree(temporary, entries);
    throw error;
  }
}

async function restoreEntry(full: string, entry: TreeEntry, reader: BodyReader, durable: boolean): Promise<void> {
  if (entry.path === '') return;
  if (entry.type === 'dir') return mkdir(full, { mode: 0o700 });
  if (entry.type === 'symlink') {
    await symlink(entry.target ?? '', full);
    return lutimes(full, timeOf(entry.mtime), timeOf(entry.mtime));
  }
  const file = await open(full, CREATE, 0o600);
  try {
    await reader.copy(entry, file);
    if (durable) await file.sync();
  } finally {
    await file.close();
  }
  await finish(full, entry);
}

async function finish(full: string, { mode, mtime }: TreeEntry): Promise<void> {
  await chmod(full, mode & PERMISSIONS);
  await utimes(full, timeOf(mtime), timeOf(mtime));
}

/** More than a double of today's seconds may lack: without it the fraction would often fall one millisecond short. */
const NUDGE_S = 2.5e-7;

/** Milliseconds as what sets a file to exactly that time; before 1970 only a `Date` is taken at its word. */
function timeOf(milliseconds: number): number | Date {
  return milliseconds < 0 ? new Date(milliseconds) : milliseconds / 1000 + NUDGE_S;
}

/** A tree with read-only directories is made writable first. */
async function removeTree(temporary: string, entries: readonly TreeEntry[]): Promise<void> {
  for (const { path, type } of entries) {
    if (type === 'dir') await chmod(join(temporary, path), 0o700).catch(() => {});
  }
  await rm(temporary, { recursive: true, force: true });
}

/** Hands out the bodies of one long stream. */
class BodyReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#iterator = body[Symbol.asyncIterator]();
  }

  /** Writes the next `entry.length` bytes. */
  async copy({ path, length = 0 }: TreeEntry, file: FileHandle): Promise<void> {
    for (let left = length; left > 0; ) {
      if (this.#chunk.length === 0) {
        const next = await this.#iterator.next();
        if (next.done) throw new TreeError({ code: 'truncated', path }, `the data end within ${JSON.stringify(path)}`);
        this.#chunk = next.value;
      }
      const part = this.#chunk.subarray(0, left);
      await writeAll(file, part);
      this.#chunk = this.#chunk.subarray(part.length);
      left -= part.length;
    }
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await file.write(bytes, written)).bytesWritten;
  }
}

function temporarySibling(full: string): string {
  return join(dirname(full), `.${basename(full).slice(0, 200)}.${toHex(systemRandom(6))}.part`);
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

function targetExists(path: string): TreeError {
  return new TreeError({ code: 'target-exists', path }, `${path} exists already: choose another name with -o`);
}

import type { Dirent, Stats } from 'node:fs';
import { constants } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { checkPath, comparePaths, encodeIndex, MAX_TREE_ENTRIES, type TreeEntry, TreeError } from './tree.ts';

/** A directory, ready to be added as one object. */
export interface TreeSource {
  readonly entries: readonly TreeEntry[];
  /** Bodies and index: the size of the object. */
  readonly size: number;
  readonly indexLength: number;
  /** Bodies in order, then the index. Can be read once. @throws TreeError 'source-changed' */
  read(signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined>;
}

const CHUNK_BYTES = 256 * 1024;

/** What must not change between the walk and the end of reading. Nanoseconds, because editors are fast. */
interface Fingerprint {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
}

interface Found {
  readonly entry: TreeEntry;
  readonly seen: Fingerprint | undefined;
}

/**
 * Walks a directory. Symlinks are kept as links and never followed; sockets, pipes and devices are refused, and so are
 * links that point out of the directory, because nobody could restore them.
 *
 * @throws TreeError, or the file system's error
 */
export async function walkTree(directory: string, signal?: AbortSignal): Promise<TreeSource> {
  const top = await lstat(directory);
  if (!top.isDirectory()) {
    throw new TreeError({ code: 'not-a-directory', path: directory }, `${directory} is not a directory`);
  }
  const found: Found[] = [{ entry: { path: '', type: 'dir', ...times(top) }, seen: undefined }];
  await collect(directory, '', found, signal);
  found.sort((a, b) => comparePaths(a.entry.path, b.entry.path));
  let offset = 0;
  const placed = found.map(({ entry, seen }) => {
    if (entry.type !== 'file') return { entry, seen };
    const at = offset;
    offset += entry.length ?? 0;
    return { entry: { ...entry, offset: at }, seen };
  });
  const entries = placed.map(({ entry }) => entry);
  const index = encodeIndex(entries);
  return {
    entries,
    size: offset + index.length,
    indexLength: index.length,
    async *read(readSignal) {
      for (const { entry, seen } of placed) {
        if (seen !== undefined) yield* readBody(join(directory, entry.path), entry, seen, readSignal);
      }
      yield index;
    },
  };
}

async function collect(root: string, path: string, found: Found[], signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const names = await readdir(join(root, path), { withFileTypes: true, encoding: 'buffer' });
  for (const dirent of names) {
    if (found.length >= MAX_TREE_ENTRIES) {
      const message = `${root} has more than ${MAX_TREE_ENTRIES} entries: add its parts one by one`;
      throw new TreeError({ code: 'too-many-entries', limit: MAX_TREE_ENTRIES }, message);
    }
    const child = path === '' ? nameOf(path, dirent) : `${path}/${nameOf(path, dirent)}`;
    checkPath(child, 'file');
    found.push(await describe(root, child));
    if (found.at(-1)?.entry.type === 'dir') await collect(root, child, found, signal);
  }
}

/** Names that are not UTF-8 cannot be carried. */
function nameOf(path: string, dirent: Dirent<NonSharedBuffer>): string {
  const name = dirent.name.toString('utf8');
  if (Buffer.from(name).equals(dirent.name)) return name;
  const full = `${path}/${name}`;
  const type = { code: 'unsafe-name', path: full, reason: 'it is not valid UTF-8' } as const;
  throw new TreeError(type, `${JSON.stringify(full)} is refused: its name is not valid UTF-8; rename it`);
}

async function describe(root: string, path: string): Promise<Found> {
  const full = join(root, path);
  const stats = await lstat(full);
  if (stats.isSymbolicLink()) {
    const entry = { path, type: 'symlink', target: await readlink(full), ...times(stats) } as const;
    return { entry, seen: undefined };
  }
  if (stats.isDirectory()) return { entry: { path, type: 'dir', ...times(stats) }, seen: undefined };
  if (!stats.isFile()) {
    const message = `${full} is neither file, directory nor link: leave it out`;
    throw new TreeError({ code: 'unsupported-type', path }, message);
  }
  const seen = await lstat(full, { bigint: true });
  return { entry: { path, type: 'file', length: Number(seen.size), ...times(stats) }, seen };
}

function times(stats: Stats): { mode: number; mtime: number } {
  return { mode: stats.mode & 0o7777, mtime: Math.floor(stats.mtimeMs) };
}

async function* readBody(
  full: string,
  { path, length = 0 }: TreeEntry,
  seen: Fingerprint,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal?.throwIfAborted();
  const file = await open(full, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if (!same(await file.stat({ bigint: true }), seen)) throw changed(full, path);
    let read = 0;
    while (read < length) {
      signal?.throwIfAborted();
      const buffer = new Uint8Array(Math.min(CHUNK_BYTES, length - read));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, read);
      if (bytesRead === 0) throw changed(full, path);
      read += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    if (!same(await file.stat({ bigint: true }), seen)) throw changed(full, path);
  } finally {
    await file.close();
  }
}

function same(now: Fingerprint, seen: Fingerprint): boolean {
  return now.size === seen.size && now.mtimeNs === seen.mtimeNs && now.ctimeNs === seen.ctimeNs && now.ino === seen.ino;
}

function changed(full: string, path: string): TreeError {
  return new TreeError(
    { code: 'source-changed', path },
    `${full} changed while it was read: add it again when it is at rest`,
  );
}

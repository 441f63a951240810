import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CliError } from './cli-error.ts';

/** Large enough that system calls cost little, small enough that a few of them are nothing. */
const READ_BYTES = 1024 * 1024;

/** An open file that must stay as it is while it is read. */
export interface SourceFile {
  readonly path: string;
  readonly size: number;
  /** SHA-256 (hex) of path, size, times and inode: the same as long as the file is untouched. */
  readonly id: string;
  /** All bytes. @throws CliError source-changed before the last chunk is handed out */
  read(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** @param path absolute @throws CliError source-missing | source-unreadable | source-unsupported */
export async function openSourceFile(path: string): Promise<SourceFile> {
  const file = await openForReading(path);
  try {
    const before = await file.stat({ bigint: true });
    if (!before.isFile()) {
      throw new CliError('source-unsupported', `${path} is neither a file nor a directory: pipe it in with \`add -\``);
    }
    return {
      path,
      size: Number(before.size),
      id: sourceId(path, before),
      read: () => readUnchanged(path, file, before),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

export function sourceError(path: string, error: unknown): CliError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new CliError('source-missing', `${path} does not exist: check the path`, { cause: error });
  }
  return new CliError('source-unreadable', `cannot read ${path} (${code ?? error}): check its permissions`, {
    cause: error,
  });
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw sourceError(path, error);
  }
}

/** One chunk is held back, so that the receiver never has all of a file that turned out to have changed. */
async function* readUnchanged(path: string, file: FileHandle, before: BigIntStats): AsyncGenerator<Uint8Array> {
  let held: Uint8Array | undefined;
  let position = 0;
  while (true) {
    const chunk = await readAt(path, file, position);
    if (chunk.length === 0) break;
    position += chunk.length;
    if (held !== undefined) yield held;
    held = chunk;
  }
  const after = await file.stat({ bigint: true });
  if (BigInt(position) !== before.size || !sameState(before, after)) {
    throw new CliError('source-changed', `${path} changed while it was read: nothing was added, try again`);
  }
  if (held !== undefined) yield held;
}

async function readAt(path: string, file: FileHandle, position: number): Promise<Uint8Array> {
  try {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(READ_BYTES), 0, READ_BYTES, position);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw sourceError(path, error);
  }
}

function sameState(a: BigIntStats, b: BigIntStats): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.ino === b.ino;
}

/** Stable over restarts, so that an interrupted upload of the same file resumes. */
function sourceId(path: string, stats: BigIntStats): string {
  const parts = ['file', path, stats.size, stats.mtimeNs, stats.ctimeNs, stats.dev, stats.ino];
  return createHash('sha256')
    .update(JSON.stringify(parts.map(String)))
    .digest('hex');
}

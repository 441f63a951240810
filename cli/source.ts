import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { FileKind } from '../node/api/services.ts';
import type { CommandContext } from './context.ts';
import { openSourceFile, sourceError } from './source-file.ts';

/** What `add` sends. */
export interface Source {
  readonly kind: FileKind;
  readonly name?: string;
  /** Absent when it shows only at the end (stdin). */
  readonly size?: number;
  /** Trees: bytes of the index that ends the stream. */
  readonly indexLength?: number;
  /** Hex of 32 bytes, the same as long as nothing changed; absent when there is nothing to come back to. */
  readonly id?: string;
  chunks(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

const nothingToClose = async (): Promise<void> => {};

/** @throws CliError | TreeError */
export async function openSource(path: string, context: Pick<CommandContext, 'stdin' | 'signal'>): Promise<Source> {
  if (path === '-') {
    return { kind: 'file', chunks: () => readStdin(context), close: nothingToClose };
  }
  const absolute = await existing(path);
  const name = basename(resolve(path));
  if ((await stat(absolute)).isDirectory()) return openDirectory(absolute, name, context.signal);
  const file = await openSourceFile(absolute);
  const { size, id } = file;
  return { kind: 'file', name, size, id, chunks: () => file.read(), close: () => file.close() };
}

async function existing(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw sourceError(path, error);
  }
}

async function openDirectory(path: string, name: string, signal: AbortSignal): Promise<Source> {
  const { walkTree } = await import('../node/transfer/tree-walk.ts');
  try {
    const tree = await walkTree(path, signal);
    const hash = createHash('sha256').update(JSON.stringify(['tree', path]));
    for (const entry of tree.entries) hash.update(JSON.stringify(entry));
    return {
      kind: 'tree',
      name,
      size: tree.size,
      indexLength: tree.indexLength,
      id: hash.digest('hex'),
      chunks: () => readable(path, tree.read(signal)),
      close: nothingToClose,
    };
  } catch (error) {
    throw explained(path, error);
  }
}

async function* readable(path: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw explained(path, error);
  }
}

/** Errors of the file system name their own path. */
function explained(path: string, error: unknown): unknown {
  const { code, path: where, syscall } = error as NodeJS.ErrnoException;
  return code !== undefined && syscall !== undefined ? sourceError(where ?? path, error) : error;
}

async function* readStdin({ stdin, signal }: Pick<CommandContext, 'stdin' | 'signal'>): AsyncGenerator<Uint8Array> {
  const stop = () => stdin.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of stdin as AsyncIterable<Uint8Array>) yield chunk;
  } catch (error) {
    throw signal.aborted ? signal.reason : sourceError('stdin', error);
  } finally {
    signal.removeEventListener('abort', stop);
  }
  // A destroyed stream may end without an error; half of an input must never be stored as a whole.
  signal.throwIfAborted();
}

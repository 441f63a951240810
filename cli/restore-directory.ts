import { rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { syncFolder } from '../node/config/private-file.ts';
import type { ApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';
import { download, type FileHead } from './download.ts';
import type { FileArgument } from './link-argument.ts';
import { exists, guarded, temporaryBeside } from './output-file.ts';

export interface RestoreOptions {
  readonly target: string;
  /** Replaces what has the target's name, once the new tree is complete. */
  readonly force: boolean;
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/** Fetches a tree's index, then its bodies, and writes the directory. @returns the number of entries */
export async function restoreDirectory(
  client: ApiClient,
  file: FileArgument,
  head: FileHead,
  { target, force, onBytes, signal }: RestoreOptions,
): Promise<number> {
  const { decodeIndex, MAX_INDEX_BYTES } = await import('../node/transfer/tree.ts');
  const { restoreTree } = await import('../node/transfer/tree-restore.ts');
  const bodyBytes = head.size - head.indexLength;
  if (head.indexLength === 0 || bodyBytes < 0 || head.indexLength > MAX_INDEX_BYTES) {
    throw new CliError('bad-answer', `${file.root} has no readable index (${head.indexLength} bytes of ${head.size})`);
  }
  const entries = decodeIndex(await readIndex(client, file, bodyBytes, head.indexLength), bodyBytes);
  const replace = force && (await exists(target));
  const destination = replace ? temporaryBeside(target) : target;
  const body = bodyBytes === 0 ? nothing() : counted(client, file, bodyBytes, onBytes);
  await guarded(target, async () => {
    await restoreTree(destination, entries, body, { signal, durable: replace });
    if (replace) await swap(destination, target);
  });
  return entries.length;
}

async function readIndex(client: ApiClient, file: FileArgument, start: number, length: number): Promise<Uint8Array> {
  const index = new Uint8Array(length);
  let at = 0;
  const { chunks } = await download(client, file, `${start}-${start + length - 1}`);
  for await (const chunk of chunks) {
    if (at + chunk.length > length)
      throw new CliError('bad-answer', `the node sent more than the index of ${file.root}`);
    index.set(chunk, at);
    at += chunk.length;
  }
  return index.subarray(0, at);
}

async function* counted(
  client: ApiClient,
  file: FileArgument,
  bytes: number,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const found = await download(client, file, `0-${bytes - 1}`);
  let received = 0;
  try {
    for await (const chunk of found.chunks) {
      received += chunk.length;
      onBytes(received);
      yield chunk;
    }
  } finally {
    found.cancel();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** The old one is deleted only when the new one has its name for good. */
async function swap(fresh: string, target: string): Promise<void> {
  const old = temporaryBeside(target);
  await rename(target, old);
  try {
    await rename(fresh, target);
  } catch (error) {
    await rename(old, target);
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
  await syncFolder(dirname(resolve(target)));
  await rm(old, { recursive: true, force: true });
}

import { randomBytes } from 'node:crypto';
import { type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { syncFolder } from '../node/config/private-file.ts';
import { CodedError } from '../protocol/errors.ts';
import { CliError } from './cli-error.ts';

/** A file under a temporary name beside its target: it gets the final name only when it is complete and durable. */
export interface OutputFile {
  write(chunk: Uint8Array): Promise<void>;
  /** Syncs and renames. @throws CliError target-exists | target-unwritable */
  commit(): Promise<void>;
  /** Removes the temporary file; does nothing after `commit`. */
  discard(): Promise<void>;
}

/** @throws CliError target-exists unless `force` */
export async function refuseExisting(target: string, force: boolean): Promise<void> {
  if (!force && (await exists(target))) throw targetExists(target);
}

/** To replace a file is one thing, to replace a device, a pipe or a folder another. */
async function refuseSpecial(target: string): Promise<void> {
  const stats = await guarded(target, () => lstat(target)).catch((error: unknown) => {
    if (error instanceof CliError && (error.cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (stats === undefined || stats.isFile() || stats.isSymbolicLink()) return;
  const advice = stats.isDirectory() ? 'name a file in it' : 'write to stdout with `-o -` and send that there';
  throw new CliError('target-unwritable', `${target} is not a file and is not replaced: ${advice}`);
}

/** A name beside `target` that nobody else uses. */
export function temporaryBeside(target: string): string {
  const path = resolve(target);
  return join(dirname(path), `.${basename(path).slice(0, 180)}.${randomBytes(6).toString('hex')}.part`);
}

/** @throws CliError target-exists | target-unwritable */
export async function createOutputFile(target: string, force: boolean): Promise<OutputFile> {
  await refuseExisting(target, force);
  await refuseSpecial(target);
  const temporary = temporaryBeside(target);
  const file = await guarded(target, () => open(temporary, 'wx'));
  let isOpen = true;
  const close = async () => {
    if (isOpen) await file.close();
    isOpen = false;
  };
  return {
    write: (chunk) => guarded(target, () => writeFully(file, chunk)),
    commit: () =>
      guarded(target, async () => {
        await file.sync();
        await close();
        await publish(temporary, target, force);
        await syncFolder(dirname(resolve(target)));
      }),
    discard: async () => {
      await close();
      await rm(temporary, { force: true });
    },
  };
}

/** Before work is spent on what could not be written. @throws CliError target-exists | target-unwritable */
export async function checkTarget(target: string, force: boolean): Promise<void> {
  await (await createOutputFile(target, force)).discard();
}

async function writeFully(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let written = 0;
  while (written < chunk.length) {
    const { bytesWritten } = await file.write(chunk, written, chunk.length - written);
    written += bytesWritten;
  }
}

/** A link never replaces what appeared meanwhile; a rename does. File systems without links get the small race. */
async function publish(temporary: string, target: string, force: boolean): Promise<void> {
  if (!force) {
    try {
      await link(temporary, target);
      return await rm(temporary);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') throw targetExists(target);
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error;
      await refuseExisting(target, force);
    }
  }
  await rename(temporary, target);
}

/** Failures of the file system become one line about `target`; all others pass. */
export async function guarded<T>(target: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined || error instanceof CodedError) throw error;
    const advice = code === 'ENOSPC' ? 'free some space' : 'check that its folder exists and may be written';
    throw new CliError('target-unwritable', `cannot write ${target} (${code}): ${advice}`, { cause: error });
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function targetExists(target: string): CliError {
  return new CliError('target-exists', `${target} exists already: choose another name, or use --force`);
}

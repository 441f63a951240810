import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own, of this many MiB. */
export interface SmallDisk {
  readonly path: string;
  remove(): Promise<void>;
}

const run = (command: string, ...options: string[]) => execFileSync(command, options, { stdio: 'ignore' });

/** @returns undefined when this user may not mount one */
export async function smallDisk(megabytes: number): Promise<SmallDisk | undefined> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-disk-'));
  try {
    run('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path);
  } catch {
    rmSync(path, { recursive: true });
    return undefined;
  }
  return {
    path,
    remove: async () => {
      run('umount', '-l', path);
      await rm(path, { recursive: true, force: true });
    },
  };
}

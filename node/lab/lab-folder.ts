import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { readdir, readFile, rm, rmdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { homePaths } from '../config/home.ts';
import { createPrivateFolder, writeFileAtomically } from '../config/private-file.ts';
import { LabError } from './lab-error.ts';

/** Who has a lab folder; `lab.json` in it. */
interface LabRecord {
  readonly version: 1;
  /** Of the process that runs the lab. */
  readonly pid: number;
  /** Wall clock. */
  readonly startedAt: number;
  /** The data stay when the lab ends. */
  readonly keep: boolean;
  /** The lab has ended in order and its data were kept. */
  readonly ended: boolean;
}

export interface FolderOptions {
  readonly path: string;
  readonly nodes: number;
  /** That files will take beside what the nodes need themselves. */
  readonly fileBytes?: number;
  readonly keep: boolean;
  readonly pid: number;
  readonly clock: Clock;
  /** Whether a process is there. */
  readonly isAlive: (pid: number) => boolean;
  /** Whether a lab answers for the folder. */
  readonly answers: () => Promise<boolean>;
}

/** The folder of one lab, claimed for this process. */
export interface LabFolder {
  readonly path: string;
  /** A lab that a crash had left there, and that was removed. */
  readonly removed?: { readonly pid: number; readonly startedAt: number };
  /** Removes the lab, or with `keep` marks it as ended. What others put there stays. */
  release(): Promise<void>;
}

const MIB = 1024 * 1024;
/** Per node: ballast 4 MiB, headroom of 20 MiB that writes must leave free, logs and metadata. */
const NODE_DISK_BYTES = 32 * MIB;
/** How long processes that a crashed lab left behind may take to notice and stop. */
const ORPHANS_MS = 10_000;
const ORPHANS_POLL_MS = 200;
/** What a lab puts into its folder, with what an interrupted write of it leaves. */
const OWN_ENTRY = /^(node-\d{1,3}|(lab\.json|api\.json|api-token)(\.[0-9a-f]+\.tmp)?)$/;

const recordPath = (folder: string) => join(folder, 'lab.json');

/**
 * Makes the folder (mode 700) and takes it for this process. One that a crashed lab left is emptied first.
 * @throws LabError lab-running, lab-kept, foreign-folder, too-little-space
 */
export async function claimFolder(options: FolderOptions): Promise<LabFolder> {
  const { path, nodes, fileBytes = 0, keep, pid, clock } = options;
  await createPrivateFolder(path);
  const removed = (await readdir(path)).length === 0 ? undefined : await clearStale(options);
  await checkSpace(path, nodes * NODE_DISK_BYTES + fileBytes);
  const record: LabRecord = { version: 1, pid, startedAt: clock.now(), keep, ended: false };
  await writeRecord(path, record);
  return {
    path,
    ...(removed === undefined ? {} : { removed: { pid: removed.pid, startedAt: removed.startedAt } }),
    async release() {
      if (!keep) return removeLab(path);
      await writeRecord(path, { ...record, ended: true });
      await rm(homePaths(path).api, { force: true });
    },
  };
}

/** Deletes what a lab put there, and the folder when that was all. */
export async function removeLab(path: string): Promise<void> {
  for (const name of ownEntries(await readdir(path))) {
    await rm(join(path, name), { recursive: true, force: true, maxRetries: 3 });
  }
  await rmdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST' && error.code !== 'EBUSY') throw error;
  });
}

/** The same at once, for a process that is about to end. */
export function sweepLab(path: string): void {
  for (const name of ownEntries(readdirSync(path))) rmSync(join(path, name), { recursive: true, force: true });
  if (readdirSync(path).length === 0) rmdirSync(path);
}

/** The record goes last: what is half removed is still known as a lab's. */
function ownEntries(names: readonly string[]): string[] {
  return names
    .filter((name) => OWN_ENTRY.test(name))
    .sort((a, b) => Number(a === 'lab.json') - Number(b === 'lab.json'));
}

async function clearStale(options: FolderOptions): Promise<LabRecord> {
  const { path, isAlive, answers } = options;
  const record = await readRecord(path);
  if (isAlive(record.pid) && !record.ended) {
    // The number may be that of another process by now; before a lab answers it has no address.
    const starting = !(await readdir(path)).includes('api.json');
    if (starting || (await answers())) throw running(path, record.pid);
  }
  if (record.keep) {
    const message = `${path} has the data of a lab that were to be kept: remove it, or choose another with --folder`;
    throw new LabError({ code: 'lab-kept', path }, message);
  }
  await waitForOrphans(options);
  await removeLab(path);
  await createPrivateFolder(path);
  return record;
}

/** Nodes in processes of their own end when their lab is gone, but not at once. */
async function waitForOrphans({ path, clock, isAlive, pid: self }: FolderOptions): Promise<void> {
  const until = clock.monotonic() + ORPHANS_MS;
  for (const name of (await readdir(path)).filter((entry) => entry.startsWith('node-'))) {
    for (;;) {
      const pid = await pidOf(join(path, name));
      if (pid === undefined || pid === self || !isAlive(pid)) break;
      if (clock.monotonic() > until) throw running(path, pid);
      await clock.sleep(ORPHANS_POLL_MS);
    }
  }
}

async function pidOf(home: string): Promise<number | undefined> {
  const { pid } = ((await readJson(homePaths(home).api)) ?? {}) as { readonly pid?: unknown };
  return Number.isSafeInteger(pid) ? (pid as number) : undefined;
}

function running(path: string, pid: number): LabError {
  const message = `a lab runs in ${path} (process ${pid}): see \`holdfast testnet status --folder ${path}\`, end it with \`holdfast testnet down --folder ${path}\`, or choose another folder`;
  return new LabError({ code: 'lab-running', path, pid }, message);
}

async function checkSpace(path: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  if (free >= needed) return;
  const message = `${path} has ${Math.floor(free / MIB)} MiB free and the lab needs about ${Math.ceil(needed / MIB)} MiB: choose another place with --folder, fewer nodes, or less to store`;
  throw new LabError({ code: 'too-little-space', path, needed, free }, message);
}

/** @throws LabError foreign-folder */
async function readRecord(path: string): Promise<LabRecord> {
  const record = (await readJson(recordPath(path))) as Partial<LabRecord> | undefined;
  if (record?.version === 1 && Number.isSafeInteger(record.pid) && typeof record.keep === 'boolean') {
    return record as LabRecord;
  }
  const message = `${path} holds something else than a lab: choose an empty or a new folder with --folder`;
  throw new LabError({ code: 'foreign-folder', path }, message);
}

/** @returns undefined when there is no such file, or no JSON in it */
async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function writeRecord(path: string, record: LabRecord): Promise<void> {
  return writeFileAtomically(recordPath(path), `${JSON.stringify(record)}\n`);
}

import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { writeFileAtomically } from '../config/private-file.ts';
import { kernelFiles } from './kernel-files.ts';
import { OPERATIONS } from './operations.ts';
import type { Timings } from './timings.ts';

/** Where timings are kept between runs. Neither method rejects: timings can always be taken again. */
export interface CalibrationCache {
  load(): Promise<Timings>;
  save(timings: Timings): Promise<void>;
}

const MAX_FILE_BYTES = 16 * 1024;
const MAX_NAMES = 8;
const NAME = /^[a-z0-9-]{1,32}$/;
const MAX_MS = 3_600_000;

/** Timings in one file, for this machine, this version, this Node and these kernels only: any others count as none. */
export function calibrationFile(path: string, version: string): CalibrationCache {
  let key: Promise<string> | undefined;
  const subject = () => {
    key ??= subjectKey(version);
    return key;
  };
  return {
    async load() {
      try {
        return parseTimings(await readBounded(path), await subject());
      } catch {
        return {};
      }
    },
    async save(timings) {
      try {
        await writeFileAtomically(path, `${JSON.stringify({ key: await subject(), timings })}\n`);
      } catch {
        // A full or read-only disk: the next run measures again.
      }
    },
  };
}

/** What the timings hold for: the SHA-256 of the processor, its cores, the versions and the kernels. */
async function subjectKey(version: string): Promise<string> {
  const { model = '' } = cpus()[0] ?? {};
  const hash = createHash('sha256');
  hash.update(JSON.stringify([version, process.version, process.platform, process.arch, model, cpus().length]));
  for (const path of kernelFiles()) hash.update(await readFile(path).catch(() => 'none'));
  return hash.digest('hex');
}

async function readBounded(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_FILE_BYTES + 1), 0, MAX_FILE_BYTES + 1, 0);
    return bytesRead > MAX_FILE_BYTES ? '' : buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The timings in `text` if they are well-formed and have this key, else none. @throws SyntaxError */
export function parseTimings(text: string, key: string): Timings {
  const content: unknown = JSON.parse(text);
  if (!isRecord(content) || content.key !== key || !isRecord(content.timings)) return {};
  const entries = Object.entries(content.timings);
  const known: ReadonlySet<string> = new Set(OPERATIONS);
  return entries.every(([operation, times]) => known.has(operation) && areTimes(times))
    ? (content.timings as Timings)
    : {};
}

function areTimes(times: unknown): boolean {
  if (!isRecord(times) || Object.keys(times).length > MAX_NAMES) return false;
  return Object.entries(times).every(
    ([name, ms]) => NAME.test(name) && typeof ms === 'number' && ms > 0 && ms < MAX_MS,
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

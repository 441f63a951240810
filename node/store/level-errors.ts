import { dirname } from 'node:path';
import { StoreError } from './errors.ts';

/** LevelDB hands on only text for what the operating system said; this file is the one place that reads it. */
const FULL = /No space left on device|Disk quota exceeded/i;
const DENIED = /Permission denied|Read-only file system/i;

interface LevelFailure {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
}

function chain(error: unknown): LevelFailure[] {
  const links: LevelFailure[] = [];
  let link: unknown = error;
  while (typeof link === 'object' && link !== null && links.length < 4) {
    links.push(link);
    link = (link as LevelFailure).cause;
  }
  return links;
}

/** The innermost message, one line. */
export function causeText(error: unknown): string {
  const text = String(chain(error).at(-1)?.message ?? error);
  return text.split('\n', 1)[0] ?? text;
}

const says = (error: unknown, pattern: RegExp): boolean =>
  chain(error).some(({ message, code }) => pattern.test(`${code} ${message}`));

/** LevelDB itself found that what it read does not fit its format. */
export const isCorruption = (error: unknown): boolean => says(error, /LEVEL_CORRUPTION|Corruption:/);

export function openError(error: unknown, path: string, reason: string): StoreError {
  const home = dirname(path);
  const options = { cause: error };
  if (says(error, /LEVEL_LOCKED/)) return new StoreError({ code: 'home-in-use', path: home }, options);
  if (says(error, FULL)) return new StoreError({ code: 'disk-full', path: home }, options);
  if (says(error, DENIED)) return new StoreError({ code: 'no-access', path }, options);
  return new StoreError({ code: 'damaged-home', path: home, reason }, options);
}

export function writeError(error: unknown, path: string): StoreError {
  const options = { cause: error };
  if (says(error, FULL)) return new StoreError({ code: 'disk-full', path: dirname(path) }, options);
  if (says(error, DENIED)) return new StoreError({ code: 'no-access', path }, options);
  return new StoreError({ code: 'io-error', path }, options);
}

/** What LevelDB found corrupt stays as it is, so that the caller can name the record; all else is the disk. */
export function readError(error: unknown, path: string): unknown {
  if (error instanceof StoreError || isCorruption(error)) return error;
  return new StoreError({ code: 'io-error', path }, { cause: error });
}

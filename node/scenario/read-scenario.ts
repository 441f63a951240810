import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { type Field, FieldError } from './field.ts';
import { ScenarioError } from './scenario-error.ts';

/** A scenario is a page or two; a list of faults for a thousand nodes still fits. */
const MAX_BYTES = 1024 * 1024;
/** An alias can stand for far more than it takes in the file. */
const MAX_ALIASES = 0;

/**
 * A scenario file, read strictly: unknown keys and impossible values are refused with the key that is wrong.
 * @throws ScenarioError
 */
export async function readScenario<T>(path: string, format: Field<T>): Promise<T> {
  return parseScenario(await readBounded(path), path, format);
}

/** @param path for messages. @throws ScenarioError bad-scenario */
export function parseScenario<T>(source: string, path: string, format: Field<T>): T {
  const bad = (key: string, message: string, cause?: unknown) =>
    new ScenarioError(
      { code: 'bad-scenario', path, key },
      `${path}: ${key === '' ? '' : `${key}: `}${message}`,
      cause === undefined ? {} : { cause },
    );
  const document = parseDocument(source, { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw bad('', `not valid YAML: ${error.message.split('\n', 1)[0]}`, error);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    throw bad('', 'uses YAML aliases: write the values out', cause);
  }
  try {
    return format.read(value, '');
  } catch (cause) {
    if (cause instanceof FieldError) throw bad(cause.key, cause.message);
    throw cause;
  }
}

/** At most so many bytes, also of a file that grows. Opening a pipe would wait for its other end. */
async function readBounded(path: string): Promise<string> {
  try {
    const { size } = await regularFile(path);
    if (size > MAX_BYTES) throw unreadable(path, `has ${size} bytes, and a scenario at most ${MAX_BYTES}`);
    const file = await open(path);
    try {
      const bytes = new Uint8Array(size);
      const { bytesRead } = await file.read(bytes, 0, size, 0);
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof ScenarioError) throw error;
    if (error instanceof TypeError) throw unreadable(path, 'is not UTF-8 text', error);
    throw unreadable(path, `cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
}

async function regularFile(path: string): Promise<Stats> {
  const stats = await stat(path);
  if (!stats.isFile()) throw unreadable(path, 'is not a file');
  return stats;
}

function unreadable(path: string, what: string, cause?: unknown): ScenarioError {
  const message = `${path} ${what}: name a scenario file; ready ones are in the folder scenarios`;
  return new ScenarioError({ code: 'unreadable-scenario', path }, message, cause === undefined ? {} : { cause });
}

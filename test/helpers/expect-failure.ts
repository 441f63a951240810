import assert from 'node:assert/strict';
import type { CliOptions, CliResult } from './cli-process.ts';

/** How a command must fail. */
export interface ExpectedFailure {
  /** Of the process. */
  readonly exit: number;
  /** Stable code of the error. */
  readonly error: string;
  readonly says: RegExp;
}

interface JsonError {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly data?: Readonly<Record<string, unknown>>;
    readonly exitCode: number;
  };
}

interface Runner {
  run(args: readonly string[], options?: Omit<CliOptions, 'home'>): Promise<CliResult>;
}

/**
 * Runs a command that must fail, once for people and once for machines: one line on stderr, nothing on stdout, and the
 * same failure as JSON. @returns the data of the error
 */
export async function expectFailure(
  runner: Runner,
  args: readonly string[],
  expected: ExpectedFailure,
  options: Omit<CliOptions, 'home'> = {},
): Promise<Readonly<Record<string, unknown>>> {
  checkFailure(await runner.run(args, options), expected);
  return checkJsonFailure(await runner.run([...args, '--json'], options), expected);
}

export function checkFailure({ code, stdout, stderr }: CliResult, { exit, says }: ExpectedFailure): void {
  assert.equal(code, exit, stderr);
  assert.match(stderr, /^holdfast: [^\n]+\n$/);
  assert.match(stderr, says);
  assert.equal(stdout, '');
}

export function checkJsonFailure({ code, stdout, stderr }: CliResult, { exit, error: name, says }: ExpectedFailure) {
  assert.equal(code, exit, stderr);
  assert.match(stderr, /^[^\n]+\n$/);
  const { error } = JSON.parse(stderr) as JsonError;
  assert.equal(error.code, name);
  assert.equal(error.exitCode, exit);
  assert.match(error.message, says);
  assert.equal(stdout, '');
  return error.data ?? {};
}

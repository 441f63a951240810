import { CliError, type CliErrorCode } from './cli-error.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode, exitCodeOf, worse } from './exit-codes.ts';
import { printable } from './output.ts';
import { ProblemError } from './problem-error.ts';

/** A file of several with which a command failed, while it goes on with the others. */
export interface FailedFile {
  readonly root: string;
  readonly code: ProblemError['code'] | CliErrorCode;
  readonly message: string;
}

/** @throws the error itself, when it is no matter of this file alone */
export function failedFile(root: string, error: unknown): FailedFile {
  const isOfFile = error instanceof ProblemError || (error instanceof CliError && error.code === 'timed-out');
  if (!isOfFile) throw error;
  return { root, code: error.code, message: error.message };
}

export function tellFailed({ stderr }: CommandContext, failed: readonly FailedFile[]): void {
  for (const { root, message } of failed) stderr.write(`holdfast: ${root}: ${printable(message)}\n`);
}

export function exitOfFailed(failed: readonly FailedFile[]): ExitCode {
  return failed.map(({ code }) => exitCodeOf(code)).reduce(worse, EXIT.ok);
}

import { CodedError } from '../protocol/errors.ts';
import { type ExitCode, exitCodeOf } from './exit-codes.ts';
import { printable } from './output.ts';
import { ProblemError } from './problem-error.ts';

export interface ReportOptions {
  readonly json: boolean;
  readonly verbose: boolean;
  /** `HOLDFAST_DEBUG=1` */
  readonly debug: boolean;
  readonly write: (text: string) => void;
}

const MAX_CAUSES = 8;

/** Says in one line what went wrong and returns the exit code for it. */
export function reportError(error: unknown, options: ReportOptions): ExitCode {
  const code = codeOf(error);
  const exitCode = exitCodeOf(code);
  // Whoever reads our output has gone, or the user asked us to stop: there is nobody to tell.
  if (code === 'reader-gone') return exitCode;
  const message = messageOf(error);
  if (options.json) {
    const data = error instanceof ProblemError ? error.problem.data : undefined;
    options.write(`${JSON.stringify({ error: { code: code ?? 'internal', message, data, exitCode } })}\n`);
  } else {
    options.write(`holdfast: ${message}\n`);
  }
  if (options.verbose) for (const cause of causesOf(error)) options.write(`  caused by: ${cause}\n`);
  if (options.debug && error instanceof Error) options.write(`${error.stack ?? ''}\n`);
  return exitCode;
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof CodedError) return error.code;
  if (error instanceof Error && error.name === 'AbortError') return 'interrupted';
  return undefined;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error));
  if (error instanceof CodedError) return oneLine(error.message);
  if (error.name === 'AbortError') return 'interrupted';
  const { code } = error as NodeJS.ErrnoException;
  // A system call says what failed on what by itself; anything else is a defect and should be reported.
  if (code !== undefined) return oneLine(error.message);
  return `${oneLine(error.message)} (unexpected: run again with HOLDFAST_DEBUG=1 and report it)`;
}

function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause !== undefined && causes.length < MAX_CAUSES) {
    causes.push(oneLine(cause instanceof Error ? cause.message : String(cause)));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  const fromNode = error instanceof ProblemError ? (error.problem.causes ?? []).map(oneLine) : [];
  return [...causes, ...fromNode];
}

function oneLine(text: string): string {
  return printable(text.replace(/\s+/g, ' ').trim());
}

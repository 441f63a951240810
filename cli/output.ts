import { CliError } from './cli-error.ts';
import type { CommandContext } from './context.ts';

/** The three forms of a result; only the one asked for is made. */
export interface Result {
  readonly json: unknown;
  readonly text: () => string;
  /** The essential value, for `-q`; empty = nothing. */
  readonly quiet: () => string;
}

export async function writeResult(context: CommandContext, result: Result): Promise<void> {
  if (context.json) return writeLine(context.stdout, JSON.stringify(result.json));
  return writeLine(context.stdout, context.quiet ? result.quiet() : result.text());
}

/** Writes at the reader's pace; empty text writes nothing. */
export async function writeLine(stream: NodeJS.WriteStream, text: string): Promise<void> {
  if (text === '') return;
  try {
    await writeBytes(stream, `${text}\n`);
  } catch (error) {
    // Whether a command ends when nobody reads it is decided where signals are watched.
    if (!(error instanceof CliError) || error.code !== 'reader-gone') throw error;
  }
}

/** Resolves once the bytes are with the reader. @throws CliError reader-gone | target-unwritable; the signal's reason */
export async function writeBytes(
  stream: NodeJS.WritableStream,
  bytes: Uint8Array | string,
  signal?: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    signal?.throwIfAborted();
    stream.write(bytes, (error) => (error ? reject(outputError(error)) : resolve()));
    await promise;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Why stdout takes no more. */
export function outputError(error: NodeJS.ErrnoException): CliError {
  if (error.code === 'EPIPE') return new CliError('reader-gone', 'the reader of the output went away');
  const advice = error.code === 'ENOSPC' ? 'free some space' : 'check where it goes';
  return new CliError('target-unwritable', `cannot write the output (${error.code ?? error.message}): ${advice}`, {
    cause: error,
  });
}

export function writeNote(context: CommandContext, text: string): void {
  if (!context.quiet) context.stderr.write(`${text}\n`);
}

/** Names and messages from elsewhere must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\uFFFD');
}

/** Columns padded to their widest cell, separated by two blanks. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, [...cell].length);
  }
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - [...cell].length))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { HEAP_ARGUMENTS } from '../../node/heap.ts';

/** One run of the `holdfast` binary, finished. */
export interface CliResult {
  /** Exit code, or -1 when a signal ended the process. */
  readonly code: number;
  readonly stdout: string;
  /** What was written to stdout, as it was. */
  readonly bytes: Buffer;
  readonly stderr: string;
}

export interface CliOptions {
  /** Sets HOLDFAST_HOME. */
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What stdin gives; absent: nothing. */
  readonly input?: Uint8Array | string;
  /** Command that starts the process, e.g. one that enters a network namespace. */
  readonly prefix?: readonly string[];
  /** After this the process is killed and the run fails. */
  readonly limitMs?: number;
}

/** A run of the binary that is still under way. */
export interface CliRun {
  readonly child: ChildProcess;
  readonly result: Promise<CliResult>;
}

/** The compiled one where the runner of the tests has made it. */
const MAIN = process.env.TEST_CLI_MAIN ?? fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const DEFAULT_LIMIT_MS = 120_000;

const children = new Set<ChildProcess>();
/** No process outlives the tests, however they end. */
const killAll = () => {
  for (const child of children) child.kill('SIGKILL');
};
process.on('exit', killAll);
process.once('SIGTERM', () => process.exit(143));
process.once('SIGINT', () => process.exit(130));

/** Starts the binary with nothing of this process's own Holdfast settings. */
export function spawnCli(
  args: readonly string[],
  { home, env, cwd, prefix = [] }: Omit<CliOptions, 'input'>,
): ChildProcess {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(HOLDFAST_|NODE_(?!COMPILE_CACHE$)|FORCE_COLOR)/.test(name),
  );
  const [program, ...words] = [...prefix, process.execPath, ...HEAP_ARGUMENTS, MAIN, ...args] as [string, ...string[]];
  const child = spawn(program, words, {
    cwd,
    env: { ...Object.fromEntries(inherited), HOLDFAST_HOME: home, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Starts one command; `result` settles when it has ended. */
export function startCli(args: readonly string[], options: CliOptions): CliRun {
  const child = spawnCli(args, options);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A command that fails early does not read its input to the end.
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input ?? '');
  return { child, result: finished(child, args, stdout, stderr, options.limitMs ?? DEFAULT_LIMIT_MS) };
}

/** Runs one command to its end. */
export function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return startCli(args, options).result;
}

async function finished(
  child: ChildProcess,
  args: readonly string[],
  stdout: readonly Buffer[],
  stderr: readonly Buffer[],
  limitMs: number,
): Promise<CliResult> {
  const limit = new AbortController();
  const timer = setTimeout(() => {
    limit.abort();
    child.kill('SIGKILL');
  }, limitMs);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  const bytes = Buffer.concat(stdout);
  const said = Buffer.concat(stderr).toString('utf8');
  if (limit.signal.aborted) {
    throw new Error(`holdfast ${args.join(' ')} did not end within ${limitMs / 1000} s; stderr: ${said}`);
  }
  return { code: code ?? -1, stdout: bytes.toString('utf8'), bytes, stderr: said };
}

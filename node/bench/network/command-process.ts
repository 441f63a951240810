import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { BenchContext } from '../bench-context.ts';

export interface CommandOptions {
  readonly home: string;
  /** Settings, as environment variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Settings of this process that others do not inherit; which kernels compute is one for all. */
const OWN_SETTING = /^HOLDFAST_(?!NATIVE$|KZG_)/;

/** Starts the command line in a process of its own. */
export function spawnCommand(
  { command: [program, ...first] }: BenchContext,
  args: readonly string[],
  { home, env }: CommandOptions,
): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !OWN_SETTING.test(name));
  const child = spawn(program, [...first, ...args], {
    env: { ...Object.fromEntries(inherited), HOLDFAST_HOME: home, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  // However this process ends, none is left behind.
  process.once('exit', kill);
  child.once('exit', () => process.removeListener('exit', kill));
  return child;
}

/** Runs a command to its end. @returns what it printed @throws Error with what it complained of */
export async function runCommand(
  context: BenchContext,
  args: readonly string[],
  options: CommandOptions,
): Promise<string> {
  const child = spawnCommand(context, args, options);
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  const kill = () => child.kill('SIGKILL');
  context.signal.addEventListener('abort', kill, { once: true });
  const [code] = (await once(child, 'close')) as [number | null];
  context.signal.removeEventListener('abort', kill);
  context.signal.throwIfAborted();
  if (code !== 0) throw new Error(`holdfast ${args[0]} ended with ${code}: ${said.stderr.trim()}`);
  return said.stdout;
}

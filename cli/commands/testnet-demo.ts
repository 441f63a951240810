import { rmSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, resolve } from 'node:path';
import { systemClock } from '../../node/clock.ts';
import { tuneHeap } from '../../node/heap.ts';
import { runDemo } from '../../node/lab/demo.ts';
import { type DemoPlan, makeDemoFolder, planDemo } from '../../node/lab/demo-plan.ts';
import type { DemoReport } from '../../node/lab/demo-report.ts';
import { createLogger, silentLogger } from '../../node/log.ts';
import { systemRandom } from '../../node/random.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { DemoDisplay } from '../demo-display.ts';
import { describeDemo } from '../demo-text.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { writeNote, writeResult } from '../output.ts';
import { guarded } from '../output-file.ts';
import { packageVersion } from '../package-version.ts';
import { openSourceFile, sourceError } from '../source-file.ts';

export interface DemoArguments {
  readonly nodes: number;
  readonly code: string;
  readonly codeName: 'fr-lagrange' | 'gf256';
  /** Parent of the nodes' folder; absent: that for temporary files. */
  readonly folder?: string;
  readonly keep: boolean;
}

/** Runs the main job once between nodes of this process. Without a file, the program that runs this is the file. */
export async function testnetDemo(
  context: CommandContext,
  file: string | undefined,
  options: DemoArguments,
): Promise<ExitCode> {
  tuneHeap();
  const path = await checkedPath(file ?? process.execPath);
  const source = await openSourceFile(path);
  const display = new DemoDisplay(context, () => systemClock.monotonic());
  try {
    if (source.size === 0) throw new CliError('usage', `${path} is empty: choose a file that has something to store`);
    const { nodes, codeName } = options;
    const plan = planDemo({ fileBytes: source.size, nodes, code: parseCode(options.code), codeName });
    const folder = await makeFolder(options, plan);
    if (options.keep) writeNote(context, `the data of the peers stay in ${folder}`);
    // For a second Ctrl-C, which ends the process at once.
    const sweep = () => rmSync(folder, { recursive: true, force: true });
    if (!options.keep) process.once('exit', sweep);
    // Faults are made on purpose here: what the nodes say about them is of no use to others.
    const debugging = context.environment.HOLDFAST_DEBUG === '1';
    const write = (line: string) => display.log(line);
    const report = await runDemo({
      source: { name: basename(path), size: source.size, read: () => source.read() },
      nodes,
      plan,
      folder,
      keepFolder: options.keep,
      clock: systemClock,
      random: systemRandom,
      log: debugging ? createLogger({ level: 'info', format: 'text', clock: systemClock, write }) : silentLogger,
      version: packageVersion(),
      onEvent: (event) => display.show(event),
      signal: context.signal,
    });
    display.end();
    await writeResult(context, {
      json: options.keep ? { ...report, folder } : report,
      text: () => describeDemo(report),
      quiet: () => (report.ok ? 'ok' : 'failed'),
    });
    return demoExitCode(report);
  } finally {
    display.end();
    await source.close();
  }
}

/** @throws CliError when there is no such file, or something else than a file */
async function checkedPath(path: string): Promise<string> {
  try {
    const found = await realpath(resolve(path));
    const stats = await stat(found);
    if (stats.isDirectory()) throw new CliError('is-directory', `${path} is a directory: the demo takes one file`);
    // Opening a pipe would wait for its other end.
    if (!stats.isFile()) throw new CliError('source-unsupported', `${path} is not a regular file: choose one`);
    return found;
  } catch (error) {
    throw error instanceof CliError ? error : sourceError(path, error);
  }
}

async function makeFolder({ folder = tmpdir() }: DemoArguments, { diskBytes }: DemoPlan): Promise<string> {
  const parent = resolve(folder);
  return guarded(parent, () => makeDemoFolder(parent, diskBytes));
}

function parseCode(text: string): 'auto' | { k: number; m: number } {
  if (text === 'auto') return 'auto';
  const [k = 0, m = 0] = text.split('+').map(Number);
  return { k, m };
}

/** Wrong bytes or a proof that says something else than what was done outweigh whatever else did not hold. */
export function demoExitCode({ ok, identical, tamperDetected, audits }: DemoReport): ExitCode {
  if (ok) return EXIT.ok;
  const disproved = audits.holders.some(({ outcome }) => outcome === 'invalid-proof');
  return !identical || !tamperDetected || disproved ? EXIT.integrity : EXIT.error;
}

import { CommanderError } from 'commander';
import { resolveHome } from '../node/config/home.ts';
import { CliError } from './cli-error.ts';
import type { Run } from './define.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { createProgram } from './program.ts';
import { reportError } from './report-error.ts';
import { watchSignals } from './signals.ts';

const { env: environment, stdin, stdout, stderr } = process;

/** What a timer takes; 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function isOn(variable: string | undefined): boolean {
  return variable !== undefined && variable !== '' && variable !== '0';
}

/** Help and version are results; anything else the parser says is bad usage. */
function translate(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  if (error.code === 'commander.help') return new CliError('usage', 'name one of the commands: see `holdfast help`');
  const message = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  return new CliError('usage', `${message.replace(/\.$/, '')}: see \`holdfast help\``);
}

/** Runs the command that `argv` names and answers with its exit code; whatever it throws has been reported. */
export async function run(argv: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const body: Run = async (globals, traits, command) => {
    exitCode = await command({
      home: resolveHome(environment, globals.home),
      environment,
      stdin,
      stdout,
      stderr,
      json: globals.json === true,
      quiet: globals.quiet === true,
      progress: globals.progress && globals.quiet !== true && stderr.isTTY === true && !isOn(environment.NO_COLOR),
      timeoutMs: globals.timeout === undefined ? undefined : Math.min(globals.timeout * 1000, MAX_TIMER_MS),
      signal: watchSignals({ goOnUnread: traits.goOnUnread === true }),
    });
  };
  const program = createProgram(body);
  try {
    if (argv.length === 0) {
      stderr.write(program.helpInformation());
      return EXIT.usage;
    }
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    // Parsing may have failed before the options were read, so what was typed decides how to say it.
    return reportError(translate(error), {
      json: argv.includes('--json'),
      verbose: argv.includes('--verbose'),
      debug: isOn(environment.HOLDFAST_DEBUG),
      write: (text) => stderr.write(text),
    });
  }
}

import { type BenchOptions, casesNamed, runSuites } from '../../node/bench/harness.ts';
import { formatReport } from '../../node/bench/report.ts';
import { shortcomings } from '../../node/bench/results.ts';
import { ALL_SUITES } from '../../node/bench/suites/all-suites.ts';
import { systemClock } from '../../node/clock.ts';
import { systemRandom } from '../../node/random.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { writeNote, writeResult } from '../output.ts';
import { thisCommand } from '../this-command.ts';

export interface BenchArguments {
  readonly rounds: number;
  readonly long: boolean;
  /** Only name the cases. */
  readonly list: boolean;
}

const CLEAR_LINE = '\r\u001b[2K';

/**
 * Measures each case beside its bound. A figure below its target, or memory above the limit, is a finding and no failure: it
 * is listed, with `--json` on stderr too, and the exit code stays 0.
 */
export async function bench(
  context: CommandContext,
  asked: readonly string[],
  { rounds, long, list }: BenchArguments,
): Promise<ExitCode> {
  const cases = casesNamed(asked, ALL_SUITES);
  const names = ALL_SUITES.flatMap((suite) => suite.names);
  const unknown = cases.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new CliError('usage', `no such case: ${unknown.join(', ')}; there are ${names.join(', ')}`);
  }
  if (list) {
    const text = () => names.join('\n');
    await writeResult(context, { json: { cases: names }, text, quiet: text });
    return EXIT.ok;
  }
  const { stderr, signal } = context;
  const onRound: BenchOptions['onRound'] = (name, round) => {
    if (context.progress) stderr.write(`${CLEAR_LINE}round ${round + 1}/${rounds}: ${name}`);
  };
  const report = await runSuites(
    ALL_SUITES,
    { rounds, only: cases, onRound },
    { clock: systemClock, random: systemRandom, command: thisCommand(), long, signal },
  ).finally(() => {
    if (context.progress) stderr.write(CLEAR_LINE);
  });
  await writeResult(context, {
    json: report,
    text: () => formatReport(report),
    quiet: () => [...new Set([...report.below, ...report.aboveMemory.map(({ name }) => name)])].join('\n'),
  });
  if (context.json) for (const line of shortcomings(report)) writeNote(context, line);
  return EXIT.ok;
}

import type { Command as Parser } from 'commander';
import { MAX_SEED } from '../../node/scenario/seed.ts';
import { type Define, given, notEmpty, wholeNumber } from '../define.ts';

/** simulate. */
export function defineSimulate(program: Parser, define: Define): void {
  define(program, {
    signature: 'simulate <scenario>',
    description: 'run a scenario in virtual time: a file, or the name of a ready one such as year-of-churn',
    run: async (context, [scenario = ''], options) =>
      (await import('../commands/simulate.ts')).simulateCommand(context, scenario, {
        force: options.force === true,
        ...given('seed', options.seed as number | undefined),
        ...given('html', options.html as string | undefined),
      }),
  })
    .option(
      '--seed <n>',
      'seed in place of that of the scenario: the same one gives the same result',
      wholeNumber(0, MAX_SEED),
    )
    .option('--html <file>', 'write a report with charts', notEmpty)
    .option('--force', 'replace the file of the report');
}

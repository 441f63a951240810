import type { Command as Parser } from 'commander';
import { type Define, wholeNumber } from '../define.ts';

const DEFAULT_ROUNDS = 3;
const MAX_ROUNDS = 1000;

/** bench. */
export function defineBench(program: Parser, define: Define): void {
  define(program, {
    signature: 'bench [cases...]',
    description: 'measure what this machine does beside what bounds it; all cases take about three minutes',
    run: async (context, [cases], options) =>
      (await import('../commands/bench.ts')).bench(context, (cases ?? []) as unknown as readonly string[], {
        rounds: (options.rounds as number | undefined) ?? DEFAULT_ROUNDS,
        long: options.long === true,
        list: options.list === true,
      }),
  })
    .option('--rounds <n>', `measurements of each case (default: ${DEFAULT_ROUNDS})`, wholeNumber(1, MAX_ROUNDS))
    .option('--long', 'store and fetch a gigabyte: takes many minutes and several gigabytes of the temporary folder')
    .option('--list', 'only name the cases');
}

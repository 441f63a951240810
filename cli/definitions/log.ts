import type { Command as Parser } from 'commander';
import { type Define, given, matching, wholeNumber } from '../define.ts';

const HEAD = matching(/^[1-9]\d{0,15}:[0-9a-f]{64}$/, 'a head as `holdfast log head` prints it');
const SINCE = matching(
  /^(\d{1,9}[smhdw]|\d{4}-\d{2}-\d{2}(T[\d:.]{5,12}(Z|[+-]\d{2}:\d{2})?)?)$/,
  'an age such as 12h or 7d, or a date',
);
const TYPE = matching(/^[a-z-]{1,64}$/, 'a type such as audit, release or admin');
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000_000;

/** log ls|verify|head. */
export function defineLog(program: Parser, define: Define): void {
  const log = program
    .command('log')
    .description('security log of this node: what happened, and whether the log is whole');
  define(log, {
    signature: 'ls',
    description: 'list its entries, newest first',
    run: async (context, _, options) =>
      (await import('../commands/log.ts')).logLs(context, {
        limit: (options.limit as number | undefined) ?? DEFAULT_LIMIT,
        ...given('type', options.type as string | undefined),
        ...given('since', options.since as string | undefined),
      }),
  })
    .option('--type <type>', 'only this type: audit, evidence, release, admin, start, stop, …', TYPE)
    .option('--since <when>', 'only entries since a date or of an age, e.g. 2026-01-31 or 12h', SINCE)
    .option('--limit <n>', `entries to list (default: ${DEFAULT_LIMIT})`, wholeNumber(1, MAX_LIMIT));
  define(log, {
    signature: 'verify',
    description: 'was any entry altered, removed or moved? exit code 5 when so; works on a stopped node too',
    run: async (context, _, options) =>
      (await import('../commands/log.ts')).logVerify(context, options.head as string | undefined),
  }).option(
    '--head <seq:hash>',
    'a head that was kept elsewhere: without one, a log set back as a whole to an earlier state is not noticed',
    HEAD,
  );
  define(log, {
    signature: 'head',
    description: 'print its newest entry as seq:hash, to be kept elsewhere and given to verify later',
    run: async (context) => (await import('../commands/log.ts')).logHead(context),
  });
}

import type { Command as Parser } from 'commander';
import type { Define } from '../define.ts';

/** repair ls|run. */
export function defineRepair(program: Parser, define: Define): void {
  const repair = program.command('repair').description('what is rebuilt, what waits for it, and what cannot be');
  define(repair, {
    signature: 'ls',
    description: 'list alarms, and repairs that run, wait and are done; exit code 4 while something cannot be rebuilt',
    run: async (context) => (await import('../commands/repair.ts')).repairLs(context),
  });
  define(repair, {
    signature: 'run [link]',
    description: 'rebuild all that is lost of a file now, whoever owns it',
    run: async (context, [link], options) =>
      (await import('../commands/repair.ts')).repairRun(context, link, options.all === true),
  }).option('--all', 'every file of this node');
}

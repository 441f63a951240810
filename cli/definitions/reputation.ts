import type { Command as Parser } from 'commander';
import { type Define, given, wholeNumber } from '../define.ts';

/** reputation ls|show|forgive. */
export function defineReputation(program: Parser, define: Define): void {
  const reputation = program.command('reputation').description('how this node sees its peers, and why');
  define(reputation, {
    signature: 'ls',
    description: 'list the peers that were judged',
    run: async (context) => (await import('../commands/reputation.ts')).reputationLs(context),
  });
  define(reputation, {
    signature: 'show <peer>',
    description: 'show standing, changes and evidence of one; of this node: what others can prove about it',
    run: async (context, [peer = ''], options) =>
      (await import('../commands/reputation.ts')).reputationShow(context, peer, options.changes as number),
  }).option('--changes <n>', 'changes to list, newest first', wholeNumber(1, 100), 20);
  define(reputation, {
    signature: 'forgive <peer>',
    description:
      'give it the standing of a newcomer again; what is proved against it stays listed and does not count again',
    run: async (context, [peer = ''], options) =>
      (await import('../commands/reputation.ts')).reputationForgive(
        context,
        peer,
        given('reason', options.reason as string | undefined),
      ),
  }).option('--reason <text>', 'why, for its log and the security log');
}

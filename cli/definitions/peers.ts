import type { Command as Parser } from 'commander';
import { type Define, given, wholeNumber } from '../define.ts';
import { durationSeconds } from '../duration.ts';

/** peers ls|show|connect|ban|unban|bans. */
export function definePeers(program: Parser, define: Define): void {
  const peers = program.command('peers').description('peers this node knows, and which of them may hold its files');
  define(peers, {
    signature: 'ls',
    description: 'list them',
    run: async (context, _, options) => {
      const link = options.explain as string | undefined;
      if (link === undefined) return (await import('../commands/peers.ts')).peersLs(context);
      const segment = (options.segment as number | undefined) ?? 0;
      return (await import('../commands/peers-explain.ts')).peersExplain(context, link, segment);
    },
  })
    .option('--explain <link>', 'say of each why it was or was not, or could be, taken for this file')
    .option('--segment <n>', 'segment of the file to explain, from 0 (default: 0)', wholeNumber(0, 999_999_999));
  define(peers, {
    signature: 'show <peer>',
    description: 'show one, with what the choice of holders goes by',
    run: async (context, [peer = '']) => (await import('../commands/peers.ts')).peersShow(context, peer),
  });
  define(peers, {
    signature: 'connect <address>',
    description: 'connect to one, e.g. /ip4/192.0.2.1/tcp/4780/p2p/12D3Koo…',
    run: async (context, [address = '']) => (await import('../commands/peers.ts')).peersConnect(context, address),
  });
  define(peers, {
    signature: 'ban <peer>',
    description: 'give it no new shards and take none from it; what was promised is still proved, served and audited',
    run: async (context, [peer = ''], options) =>
      (await import('../commands/bans.ts')).peersBan(context, peer, {
        ...given('reason', options.reason as string | undefined),
        ...given('seconds', options.for as number | undefined),
      }),
  })
    .option('--reason <text>', 'why, for the list of bans')
    .option('--for <time>', 'how long, e.g. 90m, 12h, 30d (default: until it is lifted)', durationSeconds);
  define(peers, {
    signature: 'unban <peer>',
    description: 'lift a ban',
    run: async (context, [peer = '']) => (await import('../commands/bans.ts')).peersUnban(context, peer),
  });
  define(peers, {
    signature: 'bans',
    description: 'list the bans, the newest first',
    run: async (context) => (await import('../commands/bans.ts')).peersBans(context),
  });
}

import type { BanDescription } from '../../node/api/selection-service.ts';
import { ApiClient } from '../api-client.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatTime } from '../format.ts';
import { printable, table, writeResult } from '../output.ts';

/** Bans a peer. */
export async function peersBan(
  context: CommandContext,
  peer: string,
  options: { readonly reason?: string; readonly seconds?: number },
): Promise<ExitCode> {
  const client = await ApiClient.of(context);
  const ban: BanDescription = await client.json({ method: 'POST', path: banPath(peer), json: options });
  const text = () =>
    `banned ${ban.peer} ${describeEnd(ban)}; it keeps what it holds: \`holdfast check --all\` tells what that is worth`;
  await writeResult(context, { json: ban, text, quiet: () => ban.peer });
  return EXIT.ok;
}

/** Lifts a ban. */
export async function peersUnban(context: CommandContext, peer: string): Promise<ExitCode> {
  const client = await ApiClient.of(context);
  await client.json({ method: 'DELETE', path: banPath(peer) });
  await writeResult(context, { json: { peer }, text: () => `lifted the ban of ${peer}`, quiet: () => peer });
  return EXIT.ok;
}

/** Lists the bans. */
export async function peersBans(context: CommandContext): Promise<ExitCode> {
  const client = await ApiClient.of(context);
  const { bans } = await client.json<{ bans: readonly BanDescription[] }>({ method: 'GET', path: '/v1/bans' });
  await writeResult(context, {
    json: { bans },
    text: () =>
      table(bans.map((ban) => [ban.peer, formatTime(ban.at), describeEnd(ban), printable(ban.reason ?? '-')])),
    quiet: () => bans.map(({ peer }) => peer).join('\n'),
  });
  return EXIT.ok;
}

export function describeEnd({ until }: Pick<BanDescription, 'until'>): string {
  return until === undefined ? 'until it is lifted' : `until ${formatTime(until)}`;
}

function banPath(peer: string): string {
  return `/v1/peers/${encodeURIComponent(peer)}/ban`;
}

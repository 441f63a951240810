import type { PeerDescription } from '../../node/api/services.ts';
import { ApiClient } from '../api-client.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatBytes } from '../format.ts';
import { printable, table, writeResult } from '../output.ts';

/** Lists the peers this node knows. */
export async function peersLs(context: CommandContext): Promise<ExitCode> {
  const client = await ApiClient.of(context);
  const { peers } = await client.json<{ peers: readonly PeerDescription[] }>({ method: 'GET', path: '/v1/peers' });
  await writeResult(context, {
    json: { peers },
    text: () => table(peers.map(peerRow)),
    quiet: () => peers.map((peer) => peer.peer).join('\n'),
  });
  return EXIT.ok;
}

/** Connects to a peer by its address. */
export async function peersConnect(context: CommandContext, address: string): Promise<ExitCode> {
  const client = await ApiClient.of(context);
  const peer: PeerDescription = await client.json({
    method: 'POST',
    path: '/v1/peers/connect',
    json: { address },
  });
  await writeResult(context, { json: peer, text: () => `connected to ${peer.peer}`, quiet: () => peer.peer });
  return EXIT.ok;
}

function peerRow(peer: PeerDescription): string[] {
  return [
    peer.peer,
    peer.connected ? (peer.direction ?? 'connected') : 'known',
    peer.freeBytes === undefined ? '-' : `${formatBytes(peer.freeBytes)} free`,
    peer.rttMs === undefined ? '-' : `${Math.round(peer.rttMs)} ms`,
    printable(peer.region ?? '-'),
    printable(peer.addresses[0] ?? '-'),
  ];
}

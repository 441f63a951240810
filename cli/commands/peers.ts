import type { PeerDescription } from '../../node/api/peers-service.ts';
import type { PeerDetails } from '../../node/api/selection-service.ts';
import { ApiClient } from '../api-client.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatBytes } from '../format.ts';
import { printable, table, writeResult } from '../output.ts';
import { reasonText } from '../placement-text.ts';
import { describeEnd } from './bans.ts';

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

/** Shows a peer with what the choice of holders goes by. */
export async function peersShow(context: CommandContext, id: string): Promise<ExitCode> {
  const client = await ApiClient.of(context);
  const peer: PeerDetails = await client.json({ method: 'GET', path: `/v1/peers/${encodeURIComponent(id)}` });
  await writeResult(context, {
    json: peer,
    text: () => table(detailRows(peer)),
    quiet: () => (peer.reasons.length === 0 ? 'eligible' : peer.reasons.join('\n')),
  });
  return EXIT.ok;
}

function detailRows(peer: PeerDetails): string[][] {
  const { standing, ban, fastestMs, reasons } = peer;
  const region = standing?.region ?? peer.region;
  const doubt = standing?.regionDoubted === true ? ' (round-trip times speak against it: counts as none)' : '';
  return [
    ['peer', peer.peer],
    ['state', peer.connected ? `connected (${peer.direction ?? '-'})` : 'not connected'],
    ['addresses', printable(peer.addresses.join(' ') || '-')],
    ['program', printable(peer.agent ?? '-')],
    ['region', region === undefined ? '-' : `${printable(region)}${doubt}`],
    ['subnet', standing?.subnet ?? '-'],
    ['round trip', milliseconds(peer.rttMs)],
    ['fastest', milliseconds(fastestMs)],
    ['free', standing === undefined ? '-' : formatBytes(standing.freeBytes)],
    ...(standing === undefined
      ? []
      : [
          ['reputation', standing.reputation.toFixed(3)],
          ['integrity', standing.integrity.toFixed(3)],
          ['vetted', standing.vetted ? 'yes' : 'no'],
        ]),
    ...(ban === undefined
      ? []
      : [['banned', `${describeEnd(ban)}${ban.reason === undefined ? '' : `: ${printable(ban.reason)}`}`]]),
    [
      'new shards',
      reasons.length === 0 ? 'yes' : `no: ${reasons.map((reason) => reasonText(reason, standing)).join(', ')}`,
    ],
  ];
}

function milliseconds(ms: number | undefined): string {
  return ms === undefined ? '-' : `${Math.round(ms)} ms`;
}

function peerRow(peer: PeerDescription): string[] {
  return [
    peer.peer,
    peer.connected ? (peer.direction ?? 'connected') : 'known',
    peer.freeBytes === undefined ? '-' : `${formatBytes(peer.freeBytes)} free`,
    milliseconds(peer.rttMs),
    printable(peer.region ?? '-'),
    printable(peer.addresses[0] ?? '-'),
  ];
}

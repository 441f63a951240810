import type { PeerExplanation, PlacementExplanation } from '../../node/api/selection-service.ts';
import { ApiClient } from '../api-client.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatBytes, plural } from '../format.ts';
import { parseFileArgument } from '../link-argument.ts';
import { printable, table, writeResult } from '../output.ts';
import { verdictText } from '../placement-text.ts';

/** Says of each known peer why it was or was not, or could be, taken for a file. */
export async function peersExplain(context: CommandContext, link: string, segment: number): Promise<ExitCode> {
  const { root } = parseFileArgument(link);
  const client = await ApiClient.of(context);
  const explanation: PlacementExplanation = await client.json({
    method: 'GET',
    path: `/v1/files/${root}/placement`,
    query: { segment },
  });
  await writeResult(context, {
    json: explanation,
    text: () => [heading(explanation), table(explanation.peers.map(row))].filter((part) => part !== '').join('\n'),
    quiet: () =>
      explanation.peers
        .filter(({ verdict }) => verdict === 'holder')
        .map(({ peer }) => peer)
        .join('\n'),
  });
  return EXIT.ok;
}

function heading({ segment, segments, width, bytesEach, strategy, peers }: PlacementExplanation): string {
  const holders = peers.filter(({ verdict }) => verdict === 'holder').length;
  return (
    `segment ${segment} of ${segments}: ${width} shards a stripe on ${plural(holders, 'holder')}, ` +
    `${formatBytes(bytesEach)} each, strategy ${printable(strategy)}; chances are those of a first draw now`
  );
}

function row(explanation: PeerExplanation): string[] {
  const { peer, standing, weight, chance } = explanation;
  return [
    peer,
    chance === undefined ? '-' : `${(100 * chance).toFixed(1)} %`,
    weight === undefined ? '-' : `weight ${weight.toFixed(3)}`,
    standing === undefined ? '-' : `reputation ${standing.reputation.toFixed(2)}${standing.vetted ? '' : ' new'}`,
    standing === undefined ? '-' : `${formatBytes(standing.freeBytes)} free`,
    verdictText(explanation),
  ];
}

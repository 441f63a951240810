import type {
  EvidenceDescription,
  FalseCommitment,
  PeerReputation,
  ReputationDetails,
  ReputationLogEntry,
  ReputationPage,
} from '../../node/api/reputation-service.ts';
import { ApiClient } from '../api-client.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatTime, plural } from '../format.ts';
import { printable, table, writeResult } from '../output.ts';

const PAGE = 1000;

/** Lists the peers that this node has judged. */
export async function reputationLs(context: CommandContext): Promise<ExitCode> {
  const client = await ApiClient.of(context);
  const peers: PeerReputation[] = [];
  let page: ReputationPage | undefined;
  do {
    page = await client.json<ReputationPage>({
      method: 'GET',
      path: '/v1/reputation',
      query: { limit: PAGE, after: page?.next },
    });
    peers.push(...page.peers);
  } while (page.next !== undefined);
  const { accusations } = page;
  await writeResult(context, {
    json: { peers, accusations },
    text: () => table([['peer', 'score', 'integrity', 'availability', 'standing'], ...peers.map(row)]),
    quiet: () => peers.map(({ peer }) => peer).join('\n'),
  });
  return EXIT.ok;
}

/** Shows one peer: numbers, what moved them, what is proved against it. */
export async function reputationShow(context: CommandContext, peer: string, changes: number): Promise<ExitCode> {
  const client = await ApiClient.of(context);
  const details = await client.json<ReputationDetails>({
    method: 'GET',
    path: `/v1/reputation/${encodeURIComponent(peer)}`,
    query: { limit: changes },
  });
  await writeResult(context, {
    json: details,
    text: () => describe(details),
    quiet: () => details.score.toFixed(3),
  });
  return EXIT.ok;
}

/** Lifts a disqualification, and all else that counted against a peer. */
export async function reputationForgive(
  context: CommandContext,
  peer: string,
  why: { readonly reason?: string },
): Promise<ExitCode> {
  const client = await ApiClient.of(context);
  const forgiven = await client.json<PeerReputation>({
    method: 'POST',
    path: `/v1/reputation/${encodeURIComponent(peer)}/forgive`,
    json: why,
  });
  await writeResult(context, {
    json: forgiven,
    text: () => `forgave ${forgiven.peer}: its standing is that of a newcomer`,
    quiet: () => forgiven.score.toFixed(3),
  });
  return EXIT.ok;
}

function row(peer: PeerReputation): string[] {
  return [peer.peer, peer.score.toFixed(3), peer.integrity.toFixed(2), peer.availability.toFixed(3), standingOf(peer)];
}

function standingOf({ disqualified, vetted, integrityFailedAt }: PeerReputation): string {
  if (disqualified) return 'disqualified';
  const failed = integrityFailedAt === undefined ? '' : `, failed ${formatTime(integrityFailedAt)}`;
  return `${vetted ? 'vetted' : 'not vetted'}${failed}`;
}

function describe(details: ReputationDetails): string {
  const { changes, evidence, falseCommitments } = details;
  return [
    table([
      ['peer', details.peer],
      ['score', details.score.toFixed(3)],
      ['integrity', details.integrity.toFixed(2)],
      ['availability', details.availability.toFixed(3)],
      ['standing', standingOf(details)],
      ['credited', plural(details.credits, 'audit')],
    ]),
    ...(changes.length === 0 ? ['no changes'] : ['changes', table(changes.map(changeRow))]),
    ...(evidence.length === 0 ? [] : ['evidence', table(evidence.map(evidenceRow))]),
    ...(falseCommitments.length === 0 ? [] : ['false commitments', table(falseCommitments.map(commitmentRow))]),
    ...(details.next === undefined ? [] : ['older changes are left out: see --changes']),
  ].join('\n');
}

function changeRow({ at, reason, detail, integrity, availability, disqualified }: ReputationLogEntry): string[] {
  return [
    `  ${formatTime(at)}`,
    `${printable(reason)}${disqualified ? ', disqualified' : ''}`,
    moved('integrity', integrity, 2),
    moved('availability', availability, 3),
    printable(detail ?? ''),
  ];
}

function moved(name: string, [before = 0, after = 0]: readonly number[], digits: number): string {
  if (before === after) return `${name} ${after.toFixed(digits)}`;
  return `${name} ${before.toFixed(digits)} → ${after.toFixed(digits)}`;
}

function evidenceRow({ segment, auditor, challengedAt, keptBy }: EvidenceDescription): string[] {
  return [`  ${formatTime(challengedAt)}`, `segment ${segment}`, `found by ${auditor}`, `kept by ${keptBy}`];
}

function commitmentRow({ shard, at }: FalseCommitment): string[] {
  return [`  ${formatTime(at)}`, `shard ${shard}`];
}

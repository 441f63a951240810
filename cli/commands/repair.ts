import type { RepairOverview, RepairReport } from '../../node/api/repairs-service.ts';
import { ApiClient } from '../api-client.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode, worse } from '../exit-codes.ts';
import { formatTime, plural } from '../format.ts';
import { parseFileArgument } from '../link-argument.ts';
import { printable, table, writeResult } from '../output.ts';
import { formatDays } from './files.ts';

/** A file of many segments is repaired one after the other. */
const REPAIR_TIMEOUT_MS = 24 * 3_600_000;

const EXIT_BY_OUTCOME = {
  done: EXIT.ok,
  'not-needed': EXIT.ok,
  crowded: EXIT.ok,
  cancelled: EXIT.ok,
  partial: EXIT.degraded,
  'no-place': EXIT.degraded,
  failed: EXIT.error,
  impossible: EXIT.lost,
} as const satisfies Record<RepairReport['outcome'], ExitCode>;

/** Lists what this node repairs, and what it cannot. */
export async function repairLs(context: CommandContext): Promise<ExitCode> {
  const client = await ApiClient.of(context);
  const overview = await client.json<RepairOverview>({ method: 'GET', path: '/v1/repairs' });
  await writeResult(context, {
    json: overview,
    text: () => describe(overview),
    quiet: () => [...new Set(overview.alarms.map(({ root }) => root))].join('\n'),
  });
  return overview.alarms.length > 0 ? EXIT.lost : EXIT.ok;
}

/** Rebuilds now what is lost of a file, or of all files of this node. */
export async function repairRun(
  context: CommandContext,
  linkText: string | undefined,
  all: boolean,
): Promise<ExitCode> {
  if ((linkText === undefined) !== all) throw new CliError('usage', 'give either a link or --all');
  const client = await ApiClient.of(context);
  const repairs = await runRepairs(client, linkText === undefined ? undefined : parseFileArgument(linkText).root);
  await writeResult(context, {
    json: { repairs },
    text: () => (repairs.length === 0 ? 'nothing to repair' : table(repairs.map(row))),
    quiet: () => repairs.map(({ outcome }) => outcome).join('\n'),
  });
  return exitOf(repairs);
}

export async function runRepairs(client: ApiClient, root: string | undefined): Promise<readonly RepairReport[]> {
  const answer = await client.json<{ repairs: readonly RepairReport[] }>({
    method: 'POST',
    path: '/v1/repairs/run',
    json: root === undefined ? {} : { root },
    timeoutMs: REPAIR_TIMEOUT_MS,
  });
  return answer.repairs;
}

function exitOf(repairs: readonly RepairReport[]): ExitCode {
  return repairs.reduce<ExitCode>((worst, { outcome }) => worse(worst, EXIT_BY_OUTCOME[outcome]), EXIT.ok);
}

/** One repair in a line. */
export function row({ root, segment, outcome, placed, fetched, milliseconds, detail }: RepairReport): string[] {
  return [
    root,
    `segment ${segment}`,
    outcome,
    outcome === 'not-needed' ? '' : `${plural(placed, 'shard')} placed, ${fetched} fetched`,
    outcome === 'not-needed' ? '' : `${(milliseconds / 1000).toFixed(1)} s`,
    printable(detail ?? ''),
  ];
}

function describe({ alarms, running, queue, results, totals, watched }: RepairOverview): string {
  const { repairs, failed, placed } = totals;
  const parts = [
    `${plural(watched, 'file')} watched; since the start ${repairs} repaired, ${failed} failed, ${plural(placed, 'shard')} placed`,
  ];
  if (alarms.length > 0) {
    const rows = alarms.map(({ root, segment, stripes }) => [
      `  ${root}`,
      `segment ${segment}`,
      `${plural(stripes, 'stripe')} cannot be rebuilt: bring holders back`,
    ]);
    parts.push('alarms', table(rows));
  }
  if (running.length > 0) {
    parts.push(
      'running',
      table(running.map((one) => [`  ${one.root}`, `segment ${one.segment}`, formatTime(one.since)])),
    );
  }
  if (queue.length > 0) {
    const rows = queue.map(({ root, segment, stripes, margin, daysToLoss }) => [
      `  ${root}`,
      `segment ${segment}`,
      plural(stripes, 'stripe'),
      `margin ${margin}`,
      `${formatDays(daysToLoss)} days to loss`,
    ]);
    parts.push('waiting', table(rows));
  }
  if (results.length > 0)
    parts.push('ended', table(results.map((result) => [`  ${formatTime(result.startedAt)}`, ...row(result)])));
  return parts.join('\n');
}

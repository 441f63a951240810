import type { RepairReport } from '../../node/api/repairs-service.ts';
import type { AuditReport, FileHealth } from '../../node/api/services.ts';
import { ApiClient } from '../api-client.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, EXIT_BY_VERDICT, type ExitCode, worse } from '../exit-codes.ts';
import { exitOfFailed, type FailedFile, failedFile, tellFailed } from '../failed-files.ts';
import { plural } from '../format.ts';
import { parseFileArgument } from '../link-argument.ts';
import { printable, table, writeResult } from '../output.ts';
import { catalog, describeHealth, formatDays, readHealth } from './files.ts';
import { row, runRepairs } from './repair.ts';

export interface CheckArguments {
  readonly all: boolean;
  /** Make each holder prove what it says it holds. */
  readonly audit: boolean;
  /** Rebuild what is lost before saying how the file stands. */
  readonly repair: boolean;
  /** Stripes to list. */
  readonly worst: number;
}

interface Checked {
  readonly health: FileHealth;
  readonly audits?: readonly AuditReport[];
  readonly repairs?: readonly RepairReport[];
}

const AUDIT_TIMEOUT_MS = 600_000;
const PASSED = 'passed';

/** Says whether files could be read now and how much they could still lose; of all, each for itself. */
export async function check(
  context: CommandContext,
  linkText: string | undefined,
  options: CheckArguments,
): Promise<ExitCode> {
  if ((linkText === undefined) !== options.all) throw new CliError('usage', 'give either a link or --all');
  const client = await ApiClient.of(context);
  const checked: Checked[] = [];
  const failed: FailedFile[] = [];
  for await (const root of roots(client, linkText)) {
    try {
      checked.push(await checkOne(client, root, options));
    } catch (error) {
      if (!options.all) throw error;
      failed.push(failedFile(root, error));
    }
  }
  tellFailed(context, failed);
  await writeResult(context, {
    json: options.all ? { files: checked, failed } : (checked[0] ?? {}),
    text: () => checked.map(describe).join('\n'),
    quiet: () => checked.map(({ health }) => health.verdict).join('\n'),
  });
  return worse(worstExit(checked), exitOfFailed(failed));
}

/** Audits come first: what they find to be lost is rebuilt as well. */
async function checkOne(client: ApiClient, root: string, options: CheckArguments): Promise<Checked> {
  const audits = options.audit ? { audits: await audit(client, root) } : {};
  const repairs = options.repair ? { repairs: await runRepairs(client, root) } : {};
  return { health: await readHealth(client, root, options.worst), ...audits, ...repairs };
}

async function* roots(client: ApiClient, linkText: string | undefined): AsyncGenerator<string> {
  if (linkText !== undefined) yield parseFileArgument(linkText).root;
  else for await (const entry of catalog(client)) yield entry.root;
}

async function audit(client: ApiClient, root: string): Promise<readonly AuditReport[]> {
  const answer = await client.json<{ audits: readonly AuditReport[] }>({
    method: 'POST',
    path: '/v1/audits/run',
    json: { root },
    timeoutMs: AUDIT_TIMEOUT_MS,
  });
  return answer.audits;
}

function describe({ health, audits = [], repairs = [] }: Checked): string {
  const lines = [`${printable(health.name ?? health.root)}  ${describeHealth(health)}`];
  const endangered = health.worst.filter(({ state }) => state !== 'healthy');
  const rows = endangered.map((stripe) => [
    `  segment ${stripe.segment} stripe ${stripe.stripe}`,
    `${stripe.present} of ${plural(stripe.holders.length, 'shard')}, ${stripe.needed} needed`,
    `margin ${stripe.margin}`,
    [
      ...(stripe.lost > 0 ? [`${stripe.lost} lost`] : []),
      ...(stripe.suspected > 0 ? [`${stripe.suspected} suspected, may come back`] : []),
      ...(stripe.clumped > 0 ? [`${stripe.clumped} clumped`] : []),
    ].join(', '),
    `${formatDays(stripe.daysToLoss)} days to loss`,
  ]);
  if (rows.length > 0) lines.push(table(rows));
  const proofs = audits.map((report) => [
    `  ${report.peer}`,
    printable(report.outcome),
    plural(report.shards, 'shard'),
    printable(report.detail ?? ''),
  ]);
  if (proofs.length > 0) lines.push(table(proofs));
  const repaired = repairs.filter(({ outcome }) => outcome !== 'not-needed').map(row);
  if (repaired.length > 0) lines.push(table(repaired.map((cells) => ['  repair', ...cells.slice(1)])));
  return lines.join('\n');
}

/** A failed proof outweighs a loss, a loss outweighs a lack. What was not proved and has been rebuilt is no lack. */
function worstExit(checked: readonly Checked[]): ExitCode {
  const audits = checked.flatMap((file) => file.audits ?? []);
  const unrepaired = checked.filter(({ repairs }) => repairs === undefined).flatMap((file) => file.audits ?? []);
  if (audits.some((report) => report.outcome === 'invalid-proof')) return EXIT.integrity;
  if (checked.some(({ health }) => health.verdict === 'lost')) return EXIT_BY_VERDICT.lost;
  const imperfect = unrepaired.some((report) => report.outcome !== PASSED);
  return imperfect || checked.some(({ health }) => health.verdict === 'degraded') ? EXIT.degraded : EXIT.ok;
}

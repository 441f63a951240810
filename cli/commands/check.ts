import type { AuditReport, FileHealth } from '../../node/api/services.ts';
import { ApiClient } from '../api-client.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, EXIT_BY_VERDICT, type ExitCode } from '../exit-codes.ts';
import { plural } from '../format.ts';
import { parseFileArgument } from '../link-argument.ts';
import { printable, table, writeResult } from '../output.ts';
import { catalog, describeHealth, readHealth } from './files.ts';

export interface CheckArguments {
  readonly all: boolean;
  /** Make each holder prove what it says it holds. */
  readonly audit: boolean;
  /** Stripes to list. */
  readonly worst: number;
}

interface Checked {
  readonly health: FileHealth;
  readonly audits?: readonly AuditReport[];
}

const AUDIT_TIMEOUT_MS = 600_000;
const PASSED = 'passed';

/** Says whether files could be read now and how much they could still lose. */
export async function check(
  context: CommandContext,
  linkText: string | undefined,
  options: CheckArguments,
): Promise<ExitCode> {
  if ((linkText === undefined) !== options.all) throw new CliError('usage', 'give either a link or --all');
  const client = await ApiClient.of(context);
  const checked: Checked[] = [];
  for await (const root of roots(client, linkText)) {
    const health = await readHealth(client, root, options.worst);
    checked.push(options.audit ? { health, audits: await audit(client, root) } : { health });
  }
  await writeResult(context, {
    json: options.all ? { files: checked } : (checked[0] ?? {}),
    text: () => checked.map(describe).join('\n'),
    quiet: () => checked.map(({ health }) => health.verdict).join('\n'),
  });
  return worstExit(checked);
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

function describe({ health, audits = [] }: Checked): string {
  const lines = [`${printable(health.name ?? health.root)}  ${describeHealth(health)}`];
  const endangered = health.worst.filter((stripe) => stripe.present < stripe.holders.length);
  const rows = endangered.map((stripe) => [
    `  segment ${stripe.segment} stripe ${stripe.stripe}`,
    `${stripe.present} of ${plural(stripe.holders.length, 'shard')}, ${stripe.needed} needed`,
    `margin ${stripe.margin}`,
  ]);
  if (rows.length > 0) lines.push(table(rows));
  const proofs = audits.map((report) => [
    `  ${report.peer}`,
    printable(report.outcome),
    plural(report.shards, 'shard'),
    printable(report.detail ?? ''),
  ]);
  if (proofs.length > 0) lines.push(table(proofs));
  return lines.join('\n');
}

/** A failed proof outweighs a loss, a loss outweighs a lack. */
function worstExit(checked: readonly Checked[]): ExitCode {
  const audits = checked.flatMap((file) => file.audits ?? []);
  if (audits.some((report) => report.outcome === 'invalid-proof')) return EXIT.integrity;
  if (checked.some(({ health }) => health.verdict === 'lost')) return EXIT_BY_VERDICT.lost;
  const imperfect = audits.some((report) => report.outcome !== PASSED);
  return imperfect || checked.some(({ health }) => health.verdict === 'degraded') ? EXIT.degraded : EXIT.ok;
}

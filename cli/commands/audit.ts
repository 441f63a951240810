import type { AuditDetails, AuditEntry, AuditPage, HolderSchedule } from '../../node/api/audit-history-service.ts';
import type { AuditReport } from '../../node/api/services.ts';
import { PEER_ID_PATTERN } from '../../node/network/peer-id-pattern.ts';
import { ApiClient } from '../api-client.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatTime, plural } from '../format.ts';
import { parseFileArgument } from '../link-argument.ts';
import { printable, table, writeResult } from '../output.ts';
import { createOutputFile, refuseExisting } from '../output-file.ts';

const PEER_ID = new RegExp(PEER_ID_PATTERN);
const PAGE = 500;
const AUDIT_TIMEOUT_MS = 600_000;

/** Lists past audits, newest first. */
export async function auditLs(
  context: CommandContext,
  { peer, limit }: { readonly peer?: string; readonly limit: number },
): Promise<ExitCode> {
  if (peer !== undefined && !PEER_ID.test(peer)) throw new CliError('usage', `"${printable(peer)}" is not a peer id`);
  const client = await ApiClient.of(context);
  const audits: AuditEntry[] = [];
  let before: string | undefined;
  do {
    const query = { peer, before, limit: Math.min(PAGE, limit - audits.length) };
    const page: AuditPage = await client.json({ method: 'GET', path: '/v1/audits', query });
    audits.push(...page.audits);
    before = page.next;
  } while (before !== undefined && audits.length < limit);
  await writeResult(context, {
    json: { audits },
    text: () => table(audits.map(row)),
    quiet: () => audits.map(({ id }) => id).join('\n'),
  });
  return EXIT.ok;
}

function row({ id, at, peer, outcome, final, shards, milliseconds, detail = '' }: AuditEntry): string[] {
  const took = `${Math.round(milliseconds)} ms`;
  const said = outcomeText(outcome, final);
  return [formatTime(at), peer, said, plural(shards, 'shard'), took, id.slice(0, 64), printable(detail)];
}

function outcomeText(outcome: string, final: boolean): string {
  return final ? printable(outcome) : `(${printable(outcome)}, not counted)`;
}

export interface ShowArguments {
  readonly file?: string;
  readonly force: boolean;
  /** With the nodes of the manifests. */
  readonly manifest: boolean;
}

/** Shows one audit, or writes its receipt to a file. */
export async function auditShow(
  context: CommandContext,
  id: string,
  { file, force, manifest }: ShowArguments,
): Promise<ExitCode> {
  if (!/^[0-9a-f]{64}$/.test(id))
    throw new CliError('usage', `"${id}" is not the id of an audit: it has 64 hex digits`);
  const client = await ApiClient.of(context);
  if (file !== undefined) return exportReceipt(context, client, id, file, { force, manifest });
  const audit: AuditDetails = await client.json({ method: 'GET', path: `/v1/audits/${id}` });
  await writeResult(context, { json: audit, text: () => describe(audit), quiet: () => audit.outcome });
  return EXIT.ok;
}

function describe(audit: AuditDetails): string {
  const { id, at, peer, role, outcome, final, shards, milliseconds, detail, receipt, parts } = audit;
  return table([
    ['audit', id],
    ['ended', formatTime(at)],
    [role === 'auditor' ? 'holder' : 'auditor', peer],
    ['outcome', outcomeText(outcome, final)],
    ...(detail === undefined ? [] : [['detail', printable(detail)]]),
    ['shards', String(shards)],
    ['took', `${Math.round(milliseconds)} ms`],
    ['receipt', receipt ? 'kept: write it to a file with --export' : 'none: there was no answer'],
    ...parts.map((part) => ['covers', `${plural(part.shards, 'shard')} of ${part.root}, segment ${part.segment}`]),
  ]);
}

async function exportReceipt(
  context: CommandContext,
  client: ApiClient,
  id: string,
  file: string,
  { force, manifest }: Omit<ShowArguments, 'file'>,
): Promise<ExitCode> {
  await refuseExisting(file, force);
  const query = { manifest: String(manifest) };
  const bytes = await client.bytes({ method: 'GET', path: `/v1/receipts/${id}`, query });
  const output = await createOutputFile(file, force);
  try {
    await output.write(bytes);
    await output.commit();
  } finally {
    await output.discard();
  }
  await writeResult(context, {
    json: { audit: id, file, bytes: bytes.length },
    text: () => `${printable(file)} written: check it with \`holdfast receipt verify\``,
    quiet: () => file,
  });
  return EXIT.ok;
}

/** Audits holders now. */
export async function auditRun(context: CommandContext, linkText: string | undefined): Promise<ExitCode> {
  const json = linkText === undefined ? {} : { root: parseFileArgument(linkText).root };
  const client = await ApiClient.of(context);
  const call = { method: 'POST', path: '/v1/audits/run', json, timeoutMs: AUDIT_TIMEOUT_MS } as const;
  const { audits } = await client.json<{ audits: readonly AuditReport[] }>(call);
  await writeResult(context, {
    json: { audits },
    text: () =>
      table(
        audits.map(({ peer, outcome, shards, milliseconds, missing, bad, detail = '' }) => [
          peer,
          printable(outcome),
          plural(shards, 'shard'),
          missing === 0 ? '' : `${missing} not there`,
          bad.length === 0 ? '' : `${bad.length} bad`,
          `${Math.round(milliseconds)} ms`,
          printable(detail),
        ]),
      ),
    quiet: () => audits.map(({ outcome }) => outcome).join('\n'),
  });
  if (audits.some(({ outcome }) => outcome === 'invalid-proof')) return EXIT.integrity;
  return audits.every(({ outcome }) => outcome === 'passed') ? EXIT.ok : EXIT.degraded;
}

/** Shows how far each holder is audited. */
export async function auditSchedule(context: CommandContext): Promise<ExitCode> {
  const client = await ApiClient.of(context);
  const call = { method: 'GET', path: '/v1/audits/schedule' } as const;
  const { holders } = await client.json<{ holders: readonly HolderSchedule[] }>(call);
  await writeResult(context, {
    json: { holders },
    text: () =>
      table(
        holders.map(({ peer, shards, asked, cycle, nextAt, suspicion, waiting, underAudited }) => [
          peer,
          `${asked} of ${plural(shards, 'shard')} asked`,
          `cycle ${cycle}`,
          `next ${formatTime(nextAt)}`,
          suspicion === 0 ? '' : `suspicion ${suspicion}`,
          waiting === 0 ? '' : `${waiting} unanswered`,
          underAudited ? 'under-audited' : '',
        ]),
      ),
    quiet: () => holders.map(({ peer }) => peer).join('\n'),
  });
  return EXIT.ok;
}

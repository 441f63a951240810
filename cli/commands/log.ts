import type { LogEntryDescription, LogQuery } from '../../node/api/log-service.ts';
import type { LogProblem, LogVerification } from '../../node/audit-log/verification.ts';
import { parseTimeSpan } from '../../node/config/time-span.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatTime, plural } from '../format.ts';
import { type LogSource, withLog } from '../log-source.ts';
import { printable, table, writeResult } from '../output.ts';

export interface LogLsArguments {
  readonly limit: number;
  readonly type?: string;
  /** `12h`, `7d`, or a date. */
  readonly since?: string;
}

const PAGE = 1000;
/** Lists entries of the security log, newest first. */
export async function logLs(context: CommandContext, { limit, type, since }: LogLsArguments): Promise<ExitCode> {
  const filter = {
    ...(type !== undefined && { type }),
    ...(since !== undefined && { since: sinceTime(since, Date.now()) }),
  };
  const entries = await withLog(context, (log) => read(log, filter, limit));
  await writeResult(context, {
    json: { entries },
    text: () =>
      table(entries.map((entry) => [String(entry.seq), formatTime(entry.at), printable(entry.type), dataText(entry)])),
    quiet: () => entries.map(({ seq }) => String(seq)).join('\n'),
  });
  return EXIT.ok;
}

async function read(
  log: LogSource,
  filter: Pick<LogQuery, 'type' | 'since'>,
  limit: number,
): Promise<LogEntryDescription[]> {
  const entries: LogEntryDescription[] = [];
  let before: number | undefined;
  do {
    const query = { ...filter, limit: Math.min(PAGE, limit - entries.length), ...(before !== undefined && { before }) };
    const page = await log.page(query);
    entries.push(...page.entries);
    before = page.next;
  } while (before !== undefined && entries.length < limit);
  return entries;
}

/** @throws CliError usage */
export function sinceTime(text: string, now: number): number {
  const age = parseTimeSpan(text);
  if (age !== undefined) return Math.max(0, now - age);
  const time = Date.parse(text);
  if (Number.isNaN(time) || time < 0)
    throw new CliError('usage', `${text} is no date: write it as 2026-01-31 or 2026-01-31T12:00Z`);
  return time;
}

function dataText({ data }: LogEntryDescription): string {
  return Object.entries(data)
    .map(([name, value]) => printable(`${name}=${value}`))
    .join(' ');
}

/** Says whether the log is whole, and where it is not. */
export async function logVerify(context: CommandContext, head: string | undefined): Promise<ExitCode> {
  const found = await withLog(context, (log) => log.verify(head));
  await writeResult(context, {
    json: found,
    text: () => describe(found, head),
    quiet: () => (found.problem === undefined ? (found.last?.head ?? '') : String(found.problem.seq)),
  });
  return found.ok ? EXIT.ok : EXIT.integrity;
}

function describe(found: LogVerification, head: string | undefined): string {
  const { problem, further = [], unlisted = 0, entries, first, last, pruned, checkpoint, known } = found;
  const lines = [
    problem === undefined
      ? `the log is whole: ${plural(entries, 'entry', 'entries')}`
      : `the log is BROKEN at entry ${problemText(problem)}`,
    ...further.map((other) => `and at entry ${problemText(other)}`),
  ];
  if (unlisted > 0) lines.push(`and ${unlisted} more problems`);
  if (first !== undefined) lines.push(`begins: entry ${first.seq}, ${formatTime(first.at)}`);
  if (pruned !== undefined)
    lines.push(`pruned: up to entry ${pruned.through}, at ${formatTime(pruned.at)}, by retention (signed)`);
  if (last !== undefined)
    lines.push(`${problem === undefined ? 'ends' : 'good up to'}: entry ${last.seq}, ${formatTime(last.at)}`);
  if (checkpoint !== undefined)
    lines.push(
      `newest checkpoint: entry ${checkpoint.seq}, ${formatTime(checkpoint.at)}; ${plural(checkpoint.after, 'entry', 'entries')} after it`,
    );
  if (known === 'found') lines.push('the head that was given is part of this log');
  if (known === 'pruned')
    lines.push('the head that was given is older than where the log begins: it cannot be compared');
  if (head === undefined && problem === undefined)
    lines.push(
      'not checked: a log set back as a whole to an earlier state; give --head with what `log head` printed before',
    );
  return lines.join('\n');
}

function problemText({ seq, kind, detail }: LogProblem): string {
  return `${seq} (${kind}): ${printable(detail)}`;
}

/** Prints what an operator keeps elsewhere. */
export async function logHead(context: CommandContext): Promise<ExitCode> {
  const head = await withLog(context, (log) => log.head());
  await writeResult(context, {
    json: head === undefined ? {} : { head },
    text: () => head ?? 'the log is empty',
    quiet: () => head ?? '',
  });
  return EXIT.ok;
}

import { labPage } from '../../node/lab/record/lab-page.ts';
import type { LabReport } from '../../node/lab/record/lab-report.ts';
import { reportPage } from '../../node/report/page.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { labClient, labFolder } from '../lab-client.ts';
import { writeResult } from '../output.ts';
import { checkTarget, createOutputFile } from '../output-file.ts';
import type { LabChoice } from './testnet-control.ts';

/** Files of a report: the page and its numbers. */
export interface ReportFiles {
  readonly html: string;
  readonly json: string;
}

const DEFAULT_BASE = 'testnet-report';
/** One more look at all nodes goes before the answer. */
const REPORT_TIMEOUT_MS = 5 * 60_000;

/** Writes what a running lab has shown up to now, in place of an older report. */
export async function testnetReport(
  context: CommandContext,
  { folder, output = DEFAULT_BASE }: LabChoice & { readonly output?: string },
): Promise<ExitCode> {
  const client = await labClient(context, labFolder(context, folder));
  const call = { method: 'GET', path: '/v1/lab/report', timeoutMs: REPORT_TIMEOUT_MS } as const;
  const files = await writeReport(await client.json<LabReport>(call), output, true);
  await writeResult(context, {
    json: files,
    text: () => `report: ${files.html} (numbers: ${files.json})`,
    quiet: () => files.html,
  });
  return EXIT.ok;
}

/** @throws CliError target-exists unless `force`, target-unwritable */
export async function checkReportTarget(base: string, force: boolean): Promise<void> {
  for (const path of Object.values(reportFiles(base))) await checkTarget(path, force);
}

/** Writes `<base>.html` and `<base>.json`, with `force` in place of older ones. @throws CliError target-exists | target-unwritable */
export async function writeReport(report: LabReport, base: string, force: boolean): Promise<ReportFiles> {
  const files = reportFiles(base);
  await write(files.json, `${JSON.stringify(report)}\n`, force);
  await write(files.html, reportPage(labPage(report)), force);
  return files;
}

/** Of a report with this path, without ending. */
export function reportFiles(base: string): ReportFiles {
  return { html: `${base}.html`, json: `${base}.json` };
}

async function write(path: string, text: string, force: boolean): Promise<void> {
  const file = await createOutputFile(path, force);
  try {
    await file.write(Buffer.from(text));
    await file.commit();
  } finally {
    await file.discard();
  }
}

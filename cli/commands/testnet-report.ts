import { labPage } from '../../node/lab/record/lab-page.ts';
import type { LabReport } from '../../node/lab/record/lab-report.ts';
import { reportPage } from '../../node/report/page.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { labClient, labFolder } from '../lab-client.ts';
import { writeResult } from '../output.ts';
import { createOutputFile } from '../output-file.ts';
import type { LabChoice } from './testnet-control.ts';

/** Files of a report: the page and its numbers. */
export interface ReportFiles {
  readonly html: string;
  readonly json: string;
}

const DEFAULT_BASE = 'testnet-report';
/** One more look at all nodes goes before the answer. */
const REPORT_TIMEOUT_MS = 5 * 60_000;

/** Writes what a running lab has shown up to now. */
export async function testnetReport(
  context: CommandContext,
  { folder, output = DEFAULT_BASE }: LabChoice & { readonly output?: string },
): Promise<ExitCode> {
  const client = await labClient(context, labFolder(context, folder));
  const call = { method: 'GET', path: '/v1/lab/report', timeoutMs: REPORT_TIMEOUT_MS } as const;
  const files = await writeReport(await client.json<LabReport>(call), output);
  await writeResult(context, {
    json: files,
    text: () => `report: ${files.html} (numbers: ${files.json})`,
    quiet: () => files.html,
  });
  return EXIT.ok;
}

/** Writes `<base>.html` and `<base>.json`, in place of older ones. @throws CliError target-unwritable */
export async function writeReport(report: LabReport, base: string): Promise<ReportFiles> {
  const files = { html: `${base}.html`, json: `${base}.json` };
  await replace(files.json, `${JSON.stringify(report)}\n`);
  await replace(files.html, reportPage(labPage(report)));
  return files;
}

async function replace(path: string, text: string): Promise<void> {
  const file = await createOutputFile(path, true);
  try {
    await file.write(Buffer.from(text));
    await file.commit();
  } finally {
    await file.discard();
  }
}

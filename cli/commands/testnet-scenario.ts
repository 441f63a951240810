import { systemClock } from '../../node/clock.ts';
import { tuneHeap } from '../../node/heap.ts';
import type { LabReport } from '../../node/lab/record/lab-report.ts';
import type { Failing } from '../../node/lab/scenario/check-lab.ts';
import { playScenario } from '../../node/lab/scenario/play-scenario.ts';
import { filesDiskBytes } from '../../node/lab/scenario/scenario-disk.ts';
import { labFormat } from '../../node/lab/scenario/scenario-format.ts';
import { seededRandom } from '../../node/lab/seeded.ts';
import { readScenario } from '../../node/scenario/read-scenario.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { labFolder } from '../lab-client.ts';
import { withLab } from '../lab-session.ts';
import { writeNote, writeResult } from '../output.ts';
import { scenarioPath } from '../ready-scenario.ts';
import { describeChecks } from '../testnet-text.ts';
import { checkReportTarget, reportFiles, writeReport } from './testnet-report.ts';

export interface UpArguments {
  readonly nodes?: number;
  /** Each node in a process of its own. */
  readonly processes: boolean;
  readonly folder?: string;
  /** Of new files. */
  readonly code?: string;
  /** The data stay. */
  readonly keep: boolean;
  /** Path of a file that scripts the run, or the name of a ready one. */
  readonly scenario?: string;
  /** Path of the report of a scenario, without ending. */
  readonly report?: string;
  /** It may replace an older one. */
  readonly force: boolean;
}

const EXIT_BY_FAILING = {
  unexpected: EXIT.error,
  lost: EXIT.lost,
  'wrong-bytes': EXIT.integrity,
} as const satisfies Record<Failing, ExitCode>;

/**
 * Plays a scenario on a lab of its own. Its report is written while the lab still runs, also when the run fails or is
 * interrupted.
 * @throws ScenarioError, and CliError for a report that cannot be written, before anything is started; LabError
 */
export async function testnetScenario(context: CommandContext, named: string, options: UpArguments): Promise<ExitCode> {
  const scenario = await readScenario(await scenarioPath(named), labFormat(options));
  const { name, seed, nodes, config } = scenario;
  const { processes, keep, force, report: base = `${name}-report` } = options;
  const files = reportFiles(base);
  await checkReportTarget(base, force);
  tuneHeap();
  const folder = labFolder(context, options.folder);
  const random = seededRandom(seed, 'identities');
  const fileBytes = filesDiskBytes(scenario);
  const plan = { name, seed, nodes, fileBytes, processes, folder, keep, config, random };
  const { report, failing } = await withLab(context, plan, (lab, signal) => {
    writeNote(context, `${nodes} nodes run in ${folder}: playing ${name}, seed ${seed}`);
    const onReport = async (made: LabReport) => {
      await writeReport(made, base, force);
      writeNote(context, `report written to ${files.html}`);
    };
    return playScenario(scenario, { lab, clock: systemClock, signal, onReport });
  });
  await writeResult(context, {
    json: { name, seed, ok: failing === undefined, checks: report.checks, seconds: report.seconds, report: files },
    text: () => `${describeChecks(report.checks)}\nreport: ${files.html} (numbers: ${files.json})`,
    quiet: () => (failing === undefined ? 'ok' : 'failed'),
  });
  return failing === undefined ? EXIT.ok : EXIT_BY_FAILING[failing];
}

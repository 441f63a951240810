import { systemClock } from '../../node/clock.ts';
import { parseCodeNumbers } from '../../node/config/option-types.ts';
import { tuneHeap } from '../../node/heap.ts';
import { checkCode } from '../../node/lab/demo-plan.ts';
import type { Lab } from '../../node/lab/lab.ts';
import type { Failing } from '../../node/lab/scenario/check-lab.ts';
import { runScenario } from '../../node/lab/scenario/run-scenario.ts';
import { labFormat } from '../../node/lab/scenario/scenario-format.ts';
import { seededRandom } from '../../node/lab/seeded.ts';
import { systemRandom } from '../../node/random.ts';
import { readScenario } from '../../node/scenario/read-scenario.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { labFolder } from '../lab-client.ts';
import { withLab } from '../lab-session.ts';
import { writeNote, writeResult } from '../output.ts';
import { describeChecks, describeReady } from '../testnet-text.ts';
import { writeReport } from './testnet-report.ts';

export interface UpArguments {
  readonly nodes?: number;
  /** Each node in a process of its own. */
  readonly processes: boolean;
  readonly folder?: string;
  /** Of new files. */
  readonly code?: string;
  /** The data stay. */
  readonly keep: boolean;
  /** Path of a file that scripts the run. */
  readonly scenario?: string;
  /** Path of the report of a scenario, without ending. */
  readonly report?: string;
}

const DEFAULT_NODES = 10;

const EXIT_BY_FAILING = {
  unexpected: EXIT.error,
  lost: EXIT.lost,
  'wrong-bytes': EXIT.integrity,
} as const satisfies Record<Failing, ExitCode>;

/** Runs a network until Ctrl-C or `testnet down`, or as long as its scenario takes. @throws LabError, CodeError, ScenarioError */
export async function testnetUp(context: CommandContext, options: UpArguments): Promise<ExitCode> {
  if (options.scenario !== undefined) return playScenario(context, options.scenario, options);
  tuneHeap();
  const { nodes = DEFAULT_NODES, processes, keep, code } = options;
  const numbers = code === undefined ? undefined : parseCodeNumbers(code);
  if (numbers !== undefined) checkCode({ id: 1, ...numbers }, nodes);
  const folder = labFolder(context, options.folder);
  const config = new Map(code === undefined ? [] : [['files.code', code]]);
  const plan = { name: 'testnet', nodes, processes, folder, keep, config, random: systemRandom };
  await withLab(context, plan, (lab, ending) => untilEnded(context, lab, options.folder !== undefined, ending));
  return EXIT.ok;
}

/** Says that the lab is ready, and waits. To be stopped is its ordinary end. */
async function untilEnded(context: CommandContext, lab: Lab, named: boolean, ending: AbortSignal): Promise<void> {
  const status = await lab.status(ending);
  await writeResult(context, {
    json: { ...status, pid: process.pid },
    text: () => describeReady(status, named),
    quiet: () => status.folder,
  });
  if (ending.aborted) return;
  await new Promise((resolve) => ending.addEventListener('abort', resolve, { once: true }));
}

/** @throws ScenarioError before anything is started */
async function playScenario(context: CommandContext, path: string, options: UpArguments): Promise<ExitCode> {
  const scenario = await readScenario(path, labFormat(options));
  tuneHeap();
  const { name, seed, nodes, config } = scenario;
  const { processes, keep } = options;
  const folder = labFolder(context, options.folder);
  const plan = { name, seed, nodes, processes, folder, keep, config, random: seededRandom(seed, 'identities') };
  const { report, failing } = await withLab(context, plan, async (lab, signal) => {
    writeNote(context, `${nodes} nodes run in ${folder}: playing ${name}, seed ${seed}`);
    const outcome = await runScenario(scenario, { lab, clock: systemClock, signal });
    lab.conclude(outcome.checks);
    return { report: await lab.report(signal), failing: outcome.failing };
  });
  const files = await writeReport(report, options.report ?? `${name}-report`);
  await writeResult(context, {
    json: { name, seed, ok: failing === undefined, checks: report.checks, seconds: report.seconds, report: files },
    text: () => `${describeChecks(report.checks)}\nreport: ${files.html} (numbers: ${files.json})`,
    quiet: () => (failing === undefined ? 'ok' : 'failed'),
  });
  return failing === undefined ? EXIT.ok : EXIT_BY_FAILING[failing];
}

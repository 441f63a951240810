import { parseCodeNumbers } from '../../node/config/option-types.ts';
import { tuneHeap } from '../../node/heap.ts';
import { checkCode } from '../../node/lab/demo-plan.ts';
import type { Lab } from '../../node/lab/lab.ts';
import { systemRandom } from '../../node/random.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { labFolder } from '../lab-client.ts';
import { withLab } from '../lab-session.ts';
import { writeResult } from '../output.ts';
import { describeReady } from '../testnet-text.ts';
import { testnetScenario, type UpArguments } from './testnet-scenario.ts';

const DEFAULT_NODES = 10;

/** Runs a network until Ctrl-C or `testnet down`, or as long as its scenario takes. @throws LabError, CodeError, ScenarioError */
export async function testnetUp(context: CommandContext, options: UpArguments): Promise<ExitCode> {
  if (options.scenario !== undefined) return testnetScenario(context, options.scenario, options);
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

import { tuneHeap } from '../../node/heap.ts';
import type { Lab } from '../../node/lab/lab.ts';
import { systemRandom } from '../../node/random.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { labFolder } from '../lab-client.ts';
import { withLab } from '../lab-session.ts';
import { writeResult } from '../output.ts';
import { describeReady } from '../testnet-text.ts';

export interface UpArguments {
  readonly nodes?: number;
  /** Each node in a process of its own. */
  readonly processes: boolean;
  readonly folder?: string;
  /** Of new files. */
  readonly code?: string;
  /** The data stay. */
  readonly keep: boolean;
}

const DEFAULT_NODES = 10;

/** Runs a network until Ctrl-C or `testnet down`. */
export async function testnetUp(context: CommandContext, options: UpArguments): Promise<ExitCode> {
  tuneHeap();
  const { nodes = DEFAULT_NODES, processes, keep, code } = options;
  const folder = labFolder(context, options.folder);
  const config = new Map(code === undefined ? [] : [['files.code', code]]);
  const plan = { name: 'testnet', nodes, processes, folder, keep, config, random: systemRandom };
  await withLab(context, plan, (lab, ending) => untilEnded(context, lab, ending));
  return EXIT.ok;
}

/** Says that the lab is ready, and waits. To be stopped is its ordinary end. */
async function untilEnded(context: CommandContext, lab: Lab, ending: AbortSignal): Promise<void> {
  const status = await lab.status(ending);
  await writeResult(context, {
    json: { ...status, pid: process.pid },
    text: () => describeReady(status),
    quiet: () => status.folder,
  });
  if (ending.aborted) return;
  await new Promise((resolve) => ending.addEventListener('abort', resolve, { once: true }));
}

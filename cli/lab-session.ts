import { randomBytes } from 'node:crypto';
import { systemClock } from '../node/clock.ts';
import { homePaths } from '../node/config/home.ts';
import { writeFileAtomically } from '../node/config/private-file.ts';
import { createControlServer } from '../node/lab/control/control-server.ts';
import type { Fleet, FleetOptions } from '../node/lab/fleet.ts';
import { createLab, type Lab } from '../node/lab/lab.ts';
import { LAB_CAPACITY_BYTES, LAB_CONFIG } from '../node/lab/lab-config.ts';
import { claimFolder, sweepLab } from '../node/lab/lab-folder.ts';
import { createLocalFleet } from '../node/lab/local-fleet.ts';
import { createProcessFleet } from '../node/lab/process-fleet.ts';
import { createLogger, type Logger, silentLogger } from '../node/log.ts';
import { type RandomBytes, systemRandom } from '../node/random.ts';
import type { CommandContext } from './context.ts';
import { formatTime } from './format.ts';
import { labAnswers } from './lab-client.ts';
import { writeNote } from './output.ts';
import { packageVersion } from './package-version.ts';
import { isAlive } from './running-node.ts';
import { stepLine } from './testnet-text.ts';
import { thisCommand } from './this-command.ts';

export interface LabPlan {
  readonly name: string;
  readonly seed?: number;
  readonly nodes: number;
  /** Disk that its files will take; absent: nothing is known of them. */
  readonly fileBytes?: number;
  /** Each node in a process of its own. */
  readonly processes: boolean;
  /** Absolute. */
  readonly folder: string;
  /** The data stay. */
  readonly keep: boolean;
  /** Of every node, by option key; goes before what labs do by default. */
  readonly config: ReadonlyMap<string, string>;
  /** Draws identities, and what is done to the nodes. */
  readonly random: RandomBytes;
}

const SAMPLE_MS = 2000;
const TOKEN_BYTES = 32;

/**
 * Starts a lab that other terminals can act on, hands it to `work`, and stops it whatever happens. The signal of `work`
 * aborts at Ctrl-C and at `testnet down`.
 * @throws LabError; what `work` throws
 */
export async function withLab<T>(
  context: CommandContext,
  plan: LabPlan,
  work: (lab: Lab, ending: AbortSignal) => Promise<T>,
): Promise<T> {
  const { folder: path, nodes, keep, fileBytes = 0 } = plan;
  const answers = () => labAnswers(context, path);
  const folder = await claimFolder({
    path,
    nodes,
    fileBytes,
    keep,
    pid: process.pid,
    clock: systemClock,
    isAlive,
    answers,
  });
  if (folder.removed !== undefined) {
    const { pid, startedAt } = folder.removed;
    writeNote(context, `removed what a lab of ${formatTime(startedAt)} left in ${path}: its process ${pid} is gone`);
  }
  // For a second Ctrl-C, which ends the process at once.
  const sweep = () => sweepLab(path);
  if (!keep) process.once('exit', sweep);
  const log = labLog(context);
  // Whatever was started is stopped, in the reverse order, also when a later step fails.
  const undo: (() => Promise<void>)[] = [() => folder.release()];
  try {
    const lab = createLab({
      ...plan,
      fleet: fleetOf(context, plan, log),
      clock: systemClock,
      log,
      sampleMs: SAMPLE_MS,
      onStep: (step) => writeNote(context, stepLine(step)),
    });
    undo.push(() => lab.stop());
    const asked = new AbortController();
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    const control = createControlServer({ lab, token, log, onDown: () => asked.abort() });
    undo.push(() => control.stop());
    await writeFileAtomically(homePaths(path).token, `${token}\n`);
    const address = await control.start();
    await writeFileAtomically(homePaths(path).api, `${JSON.stringify({ ...address, pid: process.pid })}\n`);
    const ending = AbortSignal.any([context.signal, asked.signal]);
    await lab.start(ending);
    return await work(lab, ending);
  } finally {
    for (const step of undo.reverse()) {
      await step().catch((error: unknown) => writeNote(context, `the lab did not end cleanly: ${String(error)}`));
    }
    process.off('exit', sweep);
    if (keep) writeNote(context, `the data of the nodes stay in ${path}`);
  }
}

function fleetOf(context: CommandContext, { nodes, folder, config, random, processes }: LabPlan, log: Logger): Fleet {
  const options: FleetOptions = {
    nodes,
    folder,
    capacityBytes: LAB_CAPACITY_BYTES,
    config: new Map([...LAB_CONFIG, ...config]),
    seeds: random,
    onStarted: (started) => {
      if (context.progress) context.stderr.write(`\r\u001b[2Kstarting nodes: ${started} of ${nodes}`);
      if (context.progress && started === nodes) context.stderr.write('\r\u001b[2K');
    },
  };
  if (processes) {
    const { environment } = context;
    return createProcessFleet({
      ...options,
      command: thisCommand(),
      environment,
      clock: systemClock,
      random: systemRandom,
    });
  }
  return createLocalFleet({
    ...options,
    clock: systemClock,
    random: systemRandom,
    log,
    version: packageVersion(),
    pid: process.pid,
  });
}

/** Faults are made on purpose here: what the nodes say about them is of no use to others. */
function labLog({ environment, stderr }: CommandContext): Logger {
  if (environment.HOLDFAST_DEBUG !== '1') return silentLogger;
  return createLogger({ level: 'info', format: 'text', clock: systemClock, write: (line) => stderr.write(line) });
}

import type { LabAction } from '../../node/lab/lab-action.ts';
import { describeAction } from '../../node/lab/lab-action.ts';
import type { LabStatus } from '../../node/lab/lab-status.ts';
import { readApiFile } from '../api-client.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { plural } from '../format.ts';
import { labClient, labFolder } from '../lab-client.ts';
import { writeResult } from '../output.ts';
import { isAlive } from '../running-node.ts';
import { describeLab } from '../testnet-text.ts';

/** Which lab a command is for. */
export interface LabChoice {
  readonly folder?: string;
}

/** A node may take its time to stop in order, and one that starts to open its databases. */
const ACTION_TIMEOUT_MS = 5 * 60_000;
const DOWN_LIMIT_MS = 120_000;
const DOWN_POLL_MS = 100;

/** Shows all nodes of a lab. */
export async function testnetStatus(context: CommandContext, { folder }: LabChoice): Promise<ExitCode> {
  const client = await labClient(context, labFolder(context, folder));
  const status = await client.json<LabStatus>({ method: 'GET', path: '/v1/lab' });
  await writeResult(context, {
    json: status,
    text: () => describeLab(status),
    quiet: () => status.nodes.map(({ state }) => state).join('\n'),
  });
  return EXIT.ok;
}

/** Does something to a lab. */
export async function testnetAct(context: CommandContext, action: LabAction, { folder }: LabChoice): Promise<ExitCode> {
  const client = await labClient(context, labFolder(context, folder));
  const { shards } = await client.json<{ shards: number }>({
    method: 'POST',
    path: '/v1/lab/actions',
    json: action,
    timeoutMs: ACTION_TIMEOUT_MS,
  });
  const touched = action.do === 'corrupt' || action.do === 'drop' ? `: ${plural(shards, 'shard')}` : '';
  await writeResult(context, {
    json: { action, shards },
    text: () => `done: ${describeAction(action)}${touched}`,
    quiet: () => '',
  });
  return EXIT.ok;
}

/** Ends a lab and waits until it is gone. */
export async function testnetDown(context: CommandContext, { folder: named }: LabChoice): Promise<ExitCode> {
  const folder = labFolder(context, named);
  const client = await labClient(context, folder);
  const pid = (await readApiFile(folder))?.pid;
  await client.json({ method: 'POST', path: '/v1/lab/down', json: {} });
  const limit = context.timeoutMs ?? DOWN_LIMIT_MS;
  const until = performance.now() + limit;
  while (pid !== undefined && isAlive(pid)) {
    if (performance.now() > until) {
      throw new CliError('timed-out', `the lab did not end within ${limit / 1000} s: see what its terminal says`);
    }
    await new Promise((resolve) => setTimeout(resolve, DOWN_POLL_MS));
    context.signal.throwIfAborted();
  }
  await writeResult(context, { json: { stopped: true }, text: () => 'the lab has ended', quiet: () => '' });
  return EXIT.ok;
}

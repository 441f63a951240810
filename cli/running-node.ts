import { ApiClient, readApiFile } from './api-client.ts';
import { CliError } from './cli-error.ts';
import type { CommandContext } from './context.ts';

/** Whether a daemon answers for this home; a file left over from a crash does not count. */
export async function isRunning(context: CommandContext): Promise<boolean> {
  if ((await readApiFile(context.home)) === undefined) return false;
  try {
    const client = await ApiClient.of(context);
    await client.json({ method: 'GET', path: '/v1/node' });
    return true;
  } catch (error) {
    if (error instanceof CliError && ['no-node', 'node-broke-off', 'bad-answer'].includes(error.code)) return false;
    throw error;
  }
}

/** Whether the daemon's process is still there: its address file goes last, or stays behind when it was killed. */
export async function isStopping(home: string): Promise<boolean> {
  const api = await readApiFile(home);
  return api !== undefined && (api.pid === undefined || isAlive(api.pid));
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

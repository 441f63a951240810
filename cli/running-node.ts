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

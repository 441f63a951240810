import { resolve } from 'node:path';
import { resolveHome } from '../node/config/home.ts';
import { IdentityError } from '../node/identity/identity-error.ts';
import { ApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';
import type { CommandContext } from './context.ts';

/** Where a lab lives when no other place is named: beside the home that a node would have. */
export function labFolder({ environment }: Pick<CommandContext, 'environment'>, named: string | undefined): string {
  return named === undefined ? `${resolveHome({ ...environment, HOLDFAST_HOME: undefined })}-testnet` : resolve(named);
}

/** Calls the lab that runs in a folder. @throws CliError no-node */
export async function labClient(context: CommandContext, folder: string): Promise<ApiClient> {
  try {
    return await ApiClient.of({ ...context, home: folder });
  } catch (error) {
    const isNone = error instanceof CliError && (error.code === 'no-node' || error.code === 'node-broke-off');
    const hasNoToken = error instanceof IdentityError && error.code === 'not-initialised';
    if (!isNone && !hasNoToken) throw error;
    throw new CliError(
      'no-node',
      `no lab runs in ${folder}: start one with \`holdfast testnet up\`, or name its folder with --folder`,
      { cause: error },
    );
  }
}

/** Whether a lab answers for a folder. */
export async function labAnswers(context: CommandContext, folder: string): Promise<boolean> {
  try {
    await labClient(context, folder);
    return true;
  } catch (error) {
    if (error instanceof CliError && (error.code === 'no-node' || error.code === 'bad-answer')) return false;
    throw error;
  }
}

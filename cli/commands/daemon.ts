import { rm } from 'node:fs/promises';
import { createApiServer } from '../../node/api/server.ts';
import { systemClock } from '../../node/clock.ts';
import { homePaths } from '../../node/config/home.ts';
import { loadConfig } from '../../node/config/load.ts';
import { writeFileAtomically } from '../../node/config/private-file.ts';
import { tuneHeap } from '../../node/heap.ts';
import { loadIdentity } from '../../node/identity/identity-file.ts';
import { loadToken } from '../../node/identity/token.ts';
import { NodeFaults } from '../../node/lab/faults/node-faults.ts';
import { type LabHooks, labHooks } from '../../node/lab/lab-hooks.ts';
import { serveChannel } from '../../node/lab/process-channel.ts';
import { createLogger } from '../../node/log.ts';
import { createNode, type HoldfastNode } from '../../node/node.ts';
import { systemRandom } from '../../node/random.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { writeResult } from '../output.ts';
import { packageVersion } from '../package-version.ts';
import { isRunning } from '../running-node.ts';

/**
 * Runs a node until it is asked to stop by a signal or over the API. Prints one line when it is ready.
 * @param flags values of the configuration's flags by option key
 */
export async function daemon(context: CommandContext, flags: ReadonlyMap<string, unknown>): Promise<ExitCode> {
  tuneHeap();
  const { home } = context;
  const identity = await loadIdentity(home);
  const token = await loadToken(home);
  const resolved = await loadConfig({ home, environment: context.environment, flags });
  const { config } = resolved;
  if (await isRunning(context)) {
    throw new CliError(
      'already-running',
      `a node is running on ${home} already: stop it with \`holdfast shutdown\` or set HOLDFAST_HOME`,
    );
  }
  const log = createLogger({
    level: config['log.level'],
    format: config['log.format'],
    clock: systemClock,
    write: (line) => context.stderr.write(line),
  });
  const version = packageVersion();
  const asked = new AbortController();
  // A lab that starts daemons as processes of its own takes hold of them through the channel to its child.
  const hooks = config['lab.enabled'] && process.send !== undefined ? labHooks() : undefined;
  const node = await createNode({
    ...hooks?.options,
    home,
    identity,
    resolved,
    version,
    log,
    clock: systemClock,
    onShutdownRequest: () => asked.abort(),
  });
  const faults = hooks === undefined ? undefined : serveLab(node, hooks, () => asked.abort());
  const api = createApiServer({
    services: node.services,
    token,
    version,
    log: log.child({ part: 'api' }),
    clock: systemClock,
    host: config['api.host'],
    port: config['api.port'],
    allowedHosts: config['api.allowedHosts'].split(',').filter((name) => name !== ''),
  });
  const apiFile = homePaths(home).api;
  // Whatever was started is stopped, in the reverse order, also when a later step fails.
  const undo: (() => Promise<void>)[] = [];
  try {
    // The address goes last: whoever waits for the end waits for the databases to be closed.
    let isOurs = false;
    undo.push(async () => {
      if (isOurs) await rm(apiFile, { force: true });
    });
    undo.push(() => node.stop());
    undo.push(async () => faults?.end());
    await node.start();
    // Only now the databases are this process's: before, the file may be that of the node which has them.
    isOurs = true;
    undo.push(() => api.stop());
    const address = await api.start();
    await writeFileAtomically(apiFile, `${JSON.stringify({ ...address, pid: process.pid })}\n`);
    const { peer, addresses } = await node.services.node.describe();
    await writeResult(context, {
      json: { ready: true, peer, addresses, api: address, home, pid: process.pid },
      text: () => `ready: ${peer} at ${addresses.join(', ') || 'no address'}, api ${address.host}:${address.port}`,
      quiet: () => peer,
    });
    await aborted(AbortSignal.any([context.signal, asked.signal]));
    log.info('stopping');
  } finally {
    for (const step of undo.reverse()) {
      await step().catch((error: unknown) => log.error('stopping failed', { detail: String(error) }));
    }
    // An open channel would keep the process.
    if (process.connected) process.disconnect();
  }
  return EXIT.ok;
}

/** Makes the node fail when the lab that started this process says so. */
function serveLab(node: HoldfastNode, hooks: LabHooks, onGone: () => void): NodeFaults {
  const faults = new NodeFaults({ node, hooks, clock: systemClock, random: systemRandom });
  serveChannel(process, {
    fault: (order) => faults.apply(order, new AbortController().signal),
    traffic: () => node.host.reqresp.traffic,
    onGone,
  });
  return faults;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

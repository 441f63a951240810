import { stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { StorageDescription } from '../../node/api/services.ts';
import { resolveCapacity } from '../../node/config/capacity.ts';
import { isFresh } from '../../node/config/fresh-home.ts';
import { homePaths } from '../../node/config/home.ts';
import { loadConfig } from '../../node/config/load.ts';
import { isInitialised, loadIdentity } from '../../node/identity/identity-file.ts';
import { loadToken } from '../../node/identity/token.ts';
import { freeBytesFor } from '../../node/store/free-space.ts';
import { ApiClient } from '../api-client.ts';
import { readReasons } from '../commands/node.ts';
import type { CommandContext } from '../context.ts';
import { formatBytes, formatTime } from '../format.ts';
import { backends } from './backends.ts';
import { type Check, type Finding, failed, failure, fine, warning } from './finding.ts';

const REQUIRED_NODE_MAJOR = 24;
const LOW_DISK_BYTES = 1024 ** 3;
/** No release is older: an earlier clock is wrong. */
const EARLIEST_TIME = Date.UTC(2025, 0, 1);

const nodeVersion: Check = async () => {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= REQUIRED_NODE_MAJOR) return [fine('node', process.version)];
  return [failed('node', `${process.version} is too old`, `install Node ${REQUIRED_NODE_MAJOR} or newer`)];
};

const clock: Check = async () => {
  const now = Date.now();
  if (now >= EARLIEST_TIME) return [fine('clock', formatTime(now))];
  return [failed('clock', `it says ${formatTime(now)}`, 'set the clock: receipts and challenges carry times')];
};

const home: Check = async ({ context }) => {
  let mode: number;
  try {
    ({ mode } = await stat(context.home));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return [failure('home', error)];
    return [failed('home', `${context.home} does not exist`, 'run `holdfast init`')];
  }
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    return [warning('home', `${context.home} can be entered by others`, `run \`chmod 700 ${context.home}\``)];
  }
  return [fine('home', context.home)];
};

const identity: Check = ({ context }) =>
  attempt('identity', async () => {
    const { peerId } = await loadIdentity(context.home);
    await loadToken(context.home);
    return fine('identity', peerId);
  });

const configuration: Check = ({ context }) =>
  attempt('config', async () => {
    await loadConfig({ home: context.home, environment: context.environment });
    return fine('config', homePaths(context.home).config);
  });

const disk: Check = ({ context, running }) =>
  attempt('disk', async () => {
    // What shards may take is what is free and what they take already.
    const usable = await freeBytesFor(context.home);
    const { bavail, bsize } = await statfs(context.home);
    const capacityBytes = await (running ? runningCapacity(context) : configuredCapacity(context, usable));
    const detail = `${formatBytes(bavail * bsize)} free, ${formatBytes(capacityBytes)} offered to peers`;
    if (bavail * bsize < LOW_DISK_BYTES) return warning('disk', detail, 'free some space or lower storage.capacity');
    if (capacityBytes > usable) return warning('disk', detail, 'lower storage.capacity below what is free');
    return fine('disk', detail);
  });

/** The daemon may have been started with other flags than this command sees. */
async function runningCapacity(context: CommandContext): Promise<number> {
  const client = await ApiClient.of(context);
  return (await client.json<StorageDescription>({ method: 'GET', path: '/v1/storage' })).capacityBytes;
}

async function configuredCapacity(context: CommandContext, usable: number): Promise<number> {
  const { config } = await loadConfig({ home: context.home, environment: context.environment });
  return resolveCapacity(config, usable).capacityBytes;
}

/** Loading the native module is the test; the trusted setup stays where it is. */
const proofs: Check = async () => {
  const found: string[] = [];
  for (const name of ['c-kzg', '@crate-crypto/node-eth-kzg']) {
    if (await loads(name)) found.push(name);
  }
  if (found.length > 0) return [fine('proofs', `verified by ${found.join(', ')}`)];
  return [failed('proofs', 'no KZG library loads', 'install holdfast again, with optional dependencies')];
};

async function loads(name: string): Promise<boolean> {
  try {
    await import(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * Opens both databases; LevelDB's own lock tells when another process has them. Opening is a write: LevelDB moves its log
 * into a table, as the next start would. A copy to look at instead could be as large as all that is stored.
 */
const databases: Check = async ({ context, running }) => {
  if (running) return [fine('databases', 'open in the running node')];
  if (!(await isInitialised(context.home).catch(() => true)))
    return [fine('databases', 'none: this home holds no node')];
  if (await isFresh(context.home).catch(() => false)) return [fine('databases', 'none yet: this home is new')];
  const { ClassicLevel } = await import('classic-level');
  const { shards, meta } = homePaths(context.home);
  return Promise.all(
    [shards, meta].map(async (path): Promise<Finding> => {
      const level = new ClassicLevel(path);
      try {
        await level.open({ createIfMissing: false });
        await level.close();
        return fine('databases', `${path} opens (its log was moved into a table, as at every start)`);
      } catch (error) {
        const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
        return failed(
          'databases',
          `${path} does not open (${cause})`,
          'keep a copy of the home before you try anything',
        );
      }
    }),
  );
};

const ports: Check = async ({ context, running }) => {
  if (running) return [fine('ports', 'in use by the running node')];
  return attemptAll('ports', async () => {
    const { config } = await loadConfig({ home: context.home, environment: context.environment });
    const wanted = [{ host: config['api.host'], port: config['api.port'], key: 'api.port' }];
    for (const address of config['network.listen']) {
      const [, , host = '', , port] = address.split('/');
      wanted.push({ host, port: Number(port), key: 'network.listen' });
    }
    return Promise.all(
      wanted.map(async ({ host, port, key }) => {
        const code = await whyNotListening(host, port);
        const where = `${host}:${port === 0 ? 'any' : port}`;
        if (code === undefined) return fine('ports', where);
        return failed('ports', `${where} cannot be listened on (${code})`, `change ${key}`);
      }),
    );
  });
};

function whyNotListening(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });
}

/** What the running node says about itself. */
const runningNode: Check = async ({ context, running }) => {
  if (!running) return [fine('daemon', 'not running')];
  return attemptAll('daemon', async () => {
    const reasons = await readReasons(await ApiClient.of(context));
    return reasons.map(({ component, ok, detail }) => ({
      name: component,
      state: ok ? ('ok' as const) : ('warning' as const),
      detail,
    }));
  });
};

export const CHECKS: readonly Check[] = [
  nodeVersion,
  clock,
  home,
  identity,
  configuration,
  disk,
  proofs,
  backends,
  databases,
  ports,
  runningNode,
];

async function attemptAll(name: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [failure(name, error)];
  }
}

function attempt(name: string, look: () => Promise<Finding>): Promise<readonly Finding[]> {
  return attemptAll(name, async () => [await look()]);
}

import { randomBytes, randomInt } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { runCli } from './cli-process.ts';
import { Daemon, type Storage } from './daemon.ts';
import { until } from './until.ts';

export interface NetworkOptions {
  readonly daemons: number;
  /** Environment of every daemon, on top of what the network sets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Environment of single daemons, by number. */
  readonly envOf?: Readonly<Record<number, Readonly<Record<string, string>>>>;
  /** First number, so that networks of one test file do not share subnets. */
  readonly from?: number;
}

export type Stored = Pick<Storage, 'usedBytes' | 'stagedBytes' | 'reservedBytes'>;

interface PeerRow {
  readonly peer: string;
  readonly connected: boolean;
  readonly freeBytes?: number;
}

/** Below the range from which Linux takes ports for outgoing connections: nobody else takes one between two runs. */
const FIRST_PORT = 12_000;
const LAST_PORT = 32_000;
const CAPACITY = String(4 * 1024 ** 3);

/** Separate daemons on loopback, daemon i on 127.0.i.1 with a home of its own, each calling every other at start. */
export class DaemonNetwork {
  /** Homes and whatever tests put there; removed by `stop`. */
  readonly folder: string;
  readonly daemons: readonly Daemon[];

  private constructor(folder: string, daemons: readonly Daemon[]) {
    this.folder = folder;
    this.daemons = daemons;
  }

  /** Initialises homes; nothing runs yet. */
  static async create(options: NetworkOptions): Promise<DaemonNetwork> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-e2e-'));
    try {
      const name = `e2e-${randomBytes(6).toString('hex')}`;
      const { daemons: count, from = 1 } = options;
      const numbers = Array.from({ length: count }, (_, i) => from + i);
      const members = await Promise.all(numbers.map((number) => initialise(folder, number)));
      const daemons = members.map((member) => {
        const bootstrap = members.filter(({ peer }) => peer !== member.peer).map(({ address }) => address);
        return new Daemon({
          ...member,
          env: { ...environment(member.listen, bootstrap, name), ...own(options, member) },
        });
      });
      return new DaemonNetwork(folder, daemons);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Starts all daemons and waits until each knows every other. */
  static async start(options: NetworkOptions): Promise<DaemonNetwork> {
    const network = await DaemonNetwork.create(options);
    try {
      await Promise.all(network.daemons.map((daemon) => daemon.start()));
      await network.gathered();
      return network;
    } catch (error) {
      await network.stop();
      throw error;
    }
  }

  /** The daemon at this place, from 1. */
  daemon(place: number): Daemon {
    const found = this.daemons[place - 1];
    if (found === undefined) throw new RangeError(`the network has no daemon ${place}`);
    return found;
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Waits until those daemons are connected with every other one that runs, and have its advert. */
  async gathered(daemons: readonly Daemon[] = this.daemons): Promise<void> {
    for (const daemon of daemons.filter(({ running }) => running)) {
      const others = this.daemons.filter((other) => other !== daemon && other.running).map(({ peer }) => peer);
      await until(`daemon ${daemon.number} to know the ${others.length} others`, async () => {
        const { peers } = await daemon.look<{ peers: readonly PeerRow[] }>('/v1/peers');
        const ready = new Set(
          peers.filter((row) => row.connected && row.freeBytes !== undefined).map((row) => row.peer),
        );
        return others.every((peer) => ready.has(peer));
      });
    }
  }

  /** What those daemons store, summed up. */
  async stored(daemons: readonly Daemon[] = this.daemons): Promise<Stored> {
    const each = await Promise.all(daemons.filter(({ running }) => running).map((daemon) => daemon.storage()));
    const sum = (key: keyof Stored) => each.reduce((total, storage) => total + storage[key], 0);
    return { usedBytes: sum('usedBytes'), stagedBytes: sum('stagedBytes'), reservedBytes: sum('reservedBytes') };
  }

  /** Kills what runs and removes all homes. */
  async stop(): Promise<void> {
    await Promise.all(this.daemons.map((daemon) => daemon.kill()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** What daemons store that hold `shards` acknowledged shards and nothing else. */
export function exactly(shards: number): Stored {
  return { usedBytes: shards * SHARD_BYTES, stagedBytes: 0, reservedBytes: 0 };
}

async function initialise(folder: string, number: number) {
  const home = join(folder, `home-${number}`);
  await mkdir(home, { mode: 0o700 });
  const { code, stdout, stderr } = await runCli(['init', '--json'], { home });
  if (code !== 0) throw new Error(`init ended with ${code}: ${stderr}`);
  const { peer } = JSON.parse(stdout) as { peer: string };
  const listen = `/ip4/127.0.${number}.1/tcp/${await freePort(`127.0.${number}.1`)}`;
  return { number, home, peer, listen, address: `${listen}/p2p/${peer}` };
}

function own({ env = {}, envOf = {} }: NetworkOptions, { number }: { readonly number: number }) {
  return { ...env, ...envOf[number] };
}

function environment(listen: string, bootstrap: readonly string[], network: string): Record<string, string> {
  return {
    HOLDFAST_NETWORK_NAME: network,
    HOLDFAST_NETWORK_LISTEN: listen,
    HOLDFAST_NETWORK_BOOTSTRAP: bootstrap.join(','),
    HOLDFAST_API_PORT: '0',
    HOLDFAST_LAB_ENABLED: 'true',
    HOLDFAST_STORAGE_CAPACITY: CAPACITY,
    HOLDFAST_STORAGE_PEER_QUOTA: CAPACITY,
    // Each thread loads the trusted setup; a test network has more daemons than the machine has cores.
    HOLDFAST_KZG_THREADS: '1',
    // Audits and repairs are those that a test asks for.
    HOLDFAST_AUDIT_ENABLED: 'false',
    HOLDFAST_REPAIR_ENABLED: 'false',
  };
}

async function freePort(host: string): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (await isFree(host, port)) return port;
  }
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port }, () => server.close(() => resolve(true)));
  });
}

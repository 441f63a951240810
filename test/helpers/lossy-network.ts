import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runCli } from './cli-process.ts';
import { Daemon } from './daemon.ts';
import { until } from './until.ts';

const run = promisify(execFile);
const PORT = 4780;

/** Why packets cannot be dropped here; undefined when they can. */
export async function whyNoLoss(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need Linux and root';
  for (const [program, ...args] of [
    ['ip', '-V'],
    ['nft', '-v'],
  ] as const) {
    const found = await run(program, args).then(
      () => true,
      () => false,
    );
    if (!found) return `${program} is missing: install iproute2 and nftables`;
  }
  const probe = `hf-probe-${process.pid}`;
  const made = await run('ip', ['netns', 'add', probe]).then(
    () => undefined,
    () => 'network namespaces cannot be made here',
  );
  if (made === undefined) await run('ip', ['netns', 'del', probe]);
  return made;
}

export interface LossyOptions {
  readonly holders: number;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * One daemon in a network namespace of its own and its holders in another, holder i on 10.77.i.2; a pair of virtual
 * interfaces joins the two. Packets are dropped where they come in, on both sides, so that both directions lose them.
 */
export class LossyNetwork {
  readonly owner: Daemon;
  readonly holders: readonly Daemon[];
  readonly #folder: string;
  readonly #spaces: readonly [string, string];

  private constructor(folder: string, spaces: readonly [string, string], daemons: readonly Daemon[]) {
    const [owner, ...holders] = daemons as [Daemon, ...Daemon[]];
    this.#folder = folder;
    this.#spaces = spaces;
    this.owner = owner;
    this.holders = holders;
  }

  /** Command that runs a program beside the owner. */
  get besideOwner(): readonly [string, ...string[]] {
    return within(this.#spaces[0]);
  }

  /** Starts all daemons, without loss. */
  static async start(options: LossyOptions): Promise<LossyNetwork> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-lossy-'));
    const spaces = [`hf-a-${process.pid}`, `hf-b-${process.pid}`] as const;
    let network: LossyNetwork | undefined;
    try {
      await joinSpaces(spaces, options.holders);
      const daemons = await makeDaemons(folder, spaces, options);
      network = new LossyNetwork(folder, spaces, daemons);
      await Promise.all(daemons.map((daemon) => daemon.start()));
      await network.#gathered();
      return network;
    } catch (error) {
      await network?.stop();
      await removeAll(folder, spaces);
      throw error;
    }
  }

  /** From now on this share of the packets that come in is dropped, on both sides. */
  async lose(percent: number): Promise<void> {
    const rules = [
      'add table inet loss',
      'add chain inet loss in { type filter hook input priority 0; }',
      'flush chain inet loss in',
      `add rule inet loss in iifname "veth" numgen random mod 100 < ${percent} counter drop`,
      'add rule inet loss in iifname "veth" counter',
    ];
    for (const space of this.#spaces) await inSpace(space, 'nft', rules.join('; '));
  }

  /** Packets that came in and were dropped, and those that were let in, both sides together. */
  async packets(): Promise<{ readonly dropped: number; readonly passed: number }> {
    let [dropped, passed] = [0, 0];
    for (const space of this.#spaces) {
      const { stdout } = await inSpace(space, 'nft', 'list table inet loss');
      for (const [, count, drop] of stdout.matchAll(/counter packets (\d+) bytes \d+( drop)?/g)) {
        if (drop === undefined) passed += Number(count);
        else dropped += Number(count);
      }
    }
    return { dropped, passed };
  }

  /** Kills what runs, and removes homes and namespaces. */
  async stop(): Promise<void> {
    await Promise.all([this.owner, ...this.holders].map((daemon) => daemon.kill()));
    await removeAll(this.#folder, this.#spaces);
  }

  async #gathered(): Promise<void> {
    await until('the owner to know its holders', async () => {
      const { peers } = await this.owner.json<{ peers: readonly { peer: string; freeBytes?: number }[] }>([
        'peers',
        'ls',
      ]);
      const ready = new Set(peers.filter(({ freeBytes }) => freeBytes !== undefined).map(({ peer }) => peer));
      return this.holders.every(({ peer }) => ready.has(peer));
    });
  }
}

const within = (space: string): readonly [string, ...string[]] => ['ip', 'netns', 'exec', space];

function inSpace(space: string, ...command: readonly string[]) {
  const [program, ...args] = [...within(space), ...command];
  return run(program, args);
}

async function joinSpaces([a, b]: readonly [string, string], holders: number): Promise<void> {
  for (const space of [a, b]) {
    await run('ip', ['netns', 'add', space]);
    await inSpace(space, 'ip', 'link', 'set', 'lo', 'up');
  }
  await run('ip', ['link', 'add', 'veth', 'netns', a, 'type', 'veth', 'peer', 'name', 'veth', 'netns', b]);
  for (let i = 1; i <= holders; i++) {
    await inSpace(a, 'ip', 'address', 'add', `10.77.${i}.1/24`, 'dev', 'veth');
    await inSpace(b, 'ip', 'address', 'add', `10.77.${i}.2/24`, 'dev', 'veth');
  }
  for (const space of [a, b]) await inSpace(space, 'ip', 'link', 'set', 'veth', 'up');
}

async function makeDaemons(folder: string, [a, b]: readonly [string, string], { holders, env }: LossyOptions) {
  const members = await Promise.all(
    Array.from({ length: holders + 1 }, async (_, number) => {
      const home = join(folder, `home-${number}`);
      await mkdir(home, { mode: 0o700 });
      const { code, stdout, stderr } = await runCli(['init', '--json'], { home });
      if (code !== 0) throw new Error(`init ended with ${code}: ${stderr}`);
      const { peer } = JSON.parse(stdout) as { peer: string };
      const listen = number === 0 ? `/ip4/10.77.1.1/tcp/${PORT}` : `/ip4/10.77.${number}.2/tcp/${PORT}`;
      return { number, home, peer, listen, address: `${listen}/p2p/${peer}`, prefix: within(number === 0 ? a : b) };
    }),
  );
  const owner = members[0] as (typeof members)[0];
  return members.map((member) => {
    const bootstrap = member === owner ? members.slice(1).map(({ address }) => address) : [owner.address];
    const network = {
      HOLDFAST_NETWORK_NAME: `lossy-${process.pid}`,
      HOLDFAST_NETWORK_LISTEN: member.listen,
      HOLDFAST_NETWORK_BOOTSTRAP: bootstrap.join(','),
      HOLDFAST_API_PORT: '0',
      HOLDFAST_KZG_THREADS: '1',
    };
    return new Daemon({ ...member, env: { ...network, ...env } });
  });
}

async function removeAll(folder: string, spaces: readonly string[]): Promise<void> {
  for (const space of spaces) await run('ip', ['netns', 'del', space]).catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
}

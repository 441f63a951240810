import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../node/clock.ts';
import { resolveConfig } from '../../../node/config/config.ts';
import { markFresh } from '../../../node/config/fresh-home.ts';
import { identityFromSeed } from '../../../node/identity/identity.ts';
import { silentLogger } from '../../../node/log.ts';
import { createNode, type HoldfastNode } from '../../../node/node.ts';
import { systemRandom } from '../../../node/random.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { CAPACITY_BYTES, VERSION } from './settings.ts';

const GATHER_TIMEOUT_MS = 60_000;
const GATHER_POLL_MS = 20;
/** Holders have 127.0.1.1 upwards; the user's nodes are far from them. */
const FIRST_USER_SUBNET = 200;

/**
 * A network over loopback sockets: the holders in one process, the nodes of the user who adds and gets in this one, so
 * that neither side's work hides in the other's event loop. All of them share the cores of this machine.
 */
export class BenchNetwork {
  readonly #folder: string;
  readonly #name = `bench-${toHex(systemRandom(6))}`;
  readonly #stack = new AsyncDisposableStack();
  #addresses: readonly string[] = [];
  #users = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async start(holders: number): Promise<BenchNetwork> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-network-'));
    const network = new BenchNetwork(folder);
    network.#stack.defer(() => rm(folder, { recursive: true, force: true }));
    try {
      await network.#startHolders(holders);
    } catch (error) {
      await network.stop();
      throw error;
    }
    return network;
  }

  /** A node that is connected to all holders and has heard of them. */
  async user(): Promise<HoldfastNode> {
    const number = ++this.#users;
    const home = join(this.#folder, `user-${number}`);
    await mkdir(home, { recursive: true, mode: 0o700 });
    await markFresh(home);
    const node = await createNode({
      home,
      identity: identityFromSeed(systemRandom(32)),
      resolved: resolveConfig({
        flags: new Map([
          ['network.name', this.#name],
          ['network.listen', `/ip4/127.0.${FIRST_USER_SUBNET + number}.1/tcp/0`],
          ['storage.capacity', String(CAPACITY_BYTES)],
          ['lab.enabled', 'true'],
        ]),
      }),
      version: VERSION,
      log: silentLogger,
      clock: systemClock,
    });
    this.#stack.defer(() => node.stop());
    await node.start();
    await this.#join(node);
    return node;
  }

  async stop(): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #startHolders(count: number): Promise<void> {
    const module = fileURLToPath(new URL('./holders-process.ts', import.meta.url));
    const child = fork(module, [String(count), this.#name, join(this.#folder, 'holders')]);
    this.#stack.defer(() => stopped(child));
    this.#addresses = await Promise.race([
      once(child, 'message').then(([addresses]) => addresses as string[]),
      once(child, 'exit').then(([code]) => {
        throw new Error(`the process of the holders ended with code ${code}`);
      }),
    ]);
  }

  async #join({ host, candidates }: HoldfastNode): Promise<void> {
    const signal = AbortSignal.timeout(GATHER_TIMEOUT_MS);
    await Promise.all(this.#addresses.map((address) => host.connect(address, signal)));
    while (candidates.list().length < this.#addresses.length) await systemClock.sleep(GATHER_POLL_MS, signal);
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  if (child.connected) child.disconnect();
  await exited;
}

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../node/clock.ts';
import type { HoldfastNode } from '../../../node/node.ts';
import { systemRandom } from '../../../node/random.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { startBenchNode } from './bench-node.ts';

const GATHER_TIMEOUT_MS = 60_000;
const GATHER_POLL_MS = 20;
/** Holders have 127.0.1.1 upwards; the user's nodes are far from them. */
const FIRST_USER = 200;

/**
 * A network over loopback sockets: the holders in a process of their own, the nodes of the user who adds and gets in this
 * one, so that neither side's work hides in the other's event loop. They share the cores of this machine.
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
      network.#addresses = await network.#startHolders(holders);
    } catch (error) {
      await network.stop();
      throw error;
    }
    return network;
  }

  /** A node that is connected to all holders and has heard of them. */
  async user(): Promise<HoldfastNode> {
    const number = FIRST_USER + this.#users++;
    const node = await startBenchNode({ number, network: this.#name, folder: this.#folder });
    this.#stack.defer(() => node.stop());
    const signal = AbortSignal.timeout(GATHER_TIMEOUT_MS);
    await Promise.all(this.#addresses.map((address) => node.host.connect(address, signal)));
    while (node.candidates.list().length < this.#addresses.length) await systemClock.sleep(GATHER_POLL_MS, signal);
    return node;
  }

  async stop(): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #startHolders(count: number): Promise<string[]> {
    const module = fileURLToPath(new URL('./holders-process.ts', import.meta.url));
    const child = fork(module, [String(count), this.#name, this.#folder]);
    this.#stack.defer(() => stopped(child));
    return Promise.race([
      once(child, 'message').then(([addresses]) => addresses as string[]),
      once(child, 'exit').then(([code]) => {
        throw new Error(`the process of the holders ended with code ${code}`);
      }),
    ]);
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  if (child.connected) child.disconnect();
  await exited;
}

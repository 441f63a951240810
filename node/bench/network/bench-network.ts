import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '../../../protocol/bytes.ts';
import type { BenchContext } from '../bench-context.ts';
import { ForkedProcess } from './forked-process.ts';
import type { UserAnswer, UserRequest } from './user-messages.ts';

/** Holders for 16+8, in six processes: each has the memory of a process and of four nodes. */
const HOLDERS = [4, 4, 4, 4, 4, 4];
/** Holders have 127.0.1.1 upwards; the user's nodes are far from them. */
const FIRST_USER = 200;

export type UserProcess = ForkedProcess<string, UserRequest, UserAnswer>;
type HoldersProcess = ForkedProcess<string[], never, never>;

/**
 * A network over loopback sockets, in processes of their own: holders in a few, and one for each node that adds or gets, so
 * that what each side spends is its own. They share the cores of this machine.
 */
export class BenchNetwork {
  /** Homes of the nodes, and what cases put there; removed at the end. */
  readonly folder: string;
  readonly name: string;
  readonly #stack = new AsyncDisposableStack();
  readonly #signal: AbortSignal;
  readonly #holders: HoldersProcess[] = [];
  #users = 0;

  private constructor(folder: string, { random, signal }: BenchContext) {
    this.folder = folder;
    this.name = `bench-${toHex(random(6))}`;
    this.#signal = signal;
  }

  /** With 24 holders. @throws the signal's reason */
  static async start(context: BenchContext): Promise<BenchNetwork> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-network-'));
    const network = new BenchNetwork(folder, context);
    network.#stack.defer(() => rm(folder, { recursive: true, force: true }));
    try {
      // All settle before one failure ends the network: none may start afterwards.
      const starts = await Promise.allSettled(
        HOLDERS.map((size, i) =>
          network.#startHolders(
            HOLDERS.slice(0, i).reduce((sum, each) => sum + each, 1),
            size,
          ),
        ),
      );
      for (const start of starts) if (start.status === 'rejected') throw start.reason;
    } catch (error) {
      await network.stop();
      throw error;
    }
    return network;
  }

  /** Addresses of all holders. */
  get addresses(): readonly string[] {
    return this.#holders.flatMap(({ ready }) => ready);
  }

  /** The processes of the holders, by name. */
  get pids(): ReadonlyMap<string, number> {
    return new Map(this.#holders.map(({ pid }, i) => [`holders ${i + 1}`, pid]));
  }

  /** A node that is connected to all holders and has heard of them. */
  async user(): Promise<UserProcess> {
    const args = [String(FIRST_USER + this.#users++), this.name, this.folder, ...this.addresses];
    const module = new URL('./user-process.ts', import.meta.url);
    const user: UserProcess = await ForkedProcess.start(module, args, this.#signal);
    this.#stack.defer(() => user.stop());
    return user;
  }

  async stop(): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #startHolders(first: number, count: number): Promise<void> {
    const module = new URL('./holders-process.ts', import.meta.url);
    const args = [String(first), String(count), this.name, this.folder];
    const holders: HoldersProcess = await ForkedProcess.start(module, args, this.#signal);
    this.#stack.defer(() => holders.stop());
    this.#holders.push(holders);
  }
}

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../../protocol/bytes.ts';
import type { Clock } from '../clock.ts';
import { resolveConfig } from '../config/config.ts';
import { markFresh } from '../config/fresh-home.ts';
import type { RawValue } from '../config/option-types.ts';
import { identityFromSeed } from '../identity/identity.ts';
import { createKzgEngine } from '../kzg/create-engine.ts';
import type { KzgEngine } from '../kzg/engine.ts';
import type { Logger } from '../log.ts';
import { createNode, type HoldfastNode } from '../node.ts';
import type { RandomBytes } from '../random.ts';
import type { ShardReader } from '../store/shard-types.ts';
import { SwitchableReader } from './switchable-reader.ts';

export interface LabOptions {
  readonly nodes: number;
  /** Homes go below this folder, which is created and which `stop` removes. */
  readonly folder: string;
  /** Bytes each node offers. */
  readonly capacityBytes: number;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly version: string;
  readonly threads?: number;
  /** Further configuration of every node, by option key. */
  readonly config?: ReadonlyMap<string, RawValue>;
}

/** One node of the lab. */
export interface LabNode {
  /** From 1; node i listens on 127.0.i.1, so that subnets differ. */
  readonly number: number;
  readonly node: HoldfastNode;
  /** What this node reads when it proves or serves. */
  readonly reader: SwitchableReader;
  running: boolean;
}

/** Node i has its own /24 of the loopback range; 254 of them fit. */
const MAX_NODES = 254;
/** How long all nodes may take to hear of each other. */
const GATHER_TIMEOUT_MS = 60_000;
const GATHER_POLL_MS = 50;
/** Connections each new node opens: to all in a small network, to a few in a large one. */
const MAX_DIALS = 24;

/** Whole nodes in one process: each with its own identity, databases and sockets; they share one KZG engine. */
export class LabNetwork {
  readonly #options: LabOptions;
  readonly #engine: KzgEngine;
  readonly #nodes: LabNode[] = [];

  constructor(options: LabOptions) {
    if (!Number.isSafeInteger(options.nodes) || options.nodes < 1 || options.nodes > MAX_NODES) {
      throw new RangeError(`a lab has 1 to ${MAX_NODES} nodes`);
    }
    this.#options = options;
    const { random, threads } = options;
    this.#engine = createKzgEngine({ random, ...(threads === undefined ? {} : { threads }) });
  }

  get nodes(): readonly LabNode[] {
    return this.#nodes;
  }

  /** The node with this number. @throws RangeError */
  node(number: number): LabNode {
    const found = this.#nodes[number - 1];
    if (found === undefined) throw new RangeError(`the lab has no node ${number}`);
    return found;
  }

  /** Starts all nodes and waits until each has heard of every other. `stop` must be called also when this fails. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#engine.start();
    const network = `lab-${toHex(this.#options.random(6))}`;
    for (let number = 1; number <= this.#options.nodes; number++) {
      signal.throwIfAborted();
      await this.#add(number, network);
      const { host } = this.node(number).node;
      const others = this.#nodes.slice(0, -1).slice(-MAX_DIALS);
      await Promise.all(others.map((other) => host.connect(other.node.host.addresses()[0] as string, signal)));
    }
    await this.#gather(signal);
  }

  /** Stops one node as a shutdown does: it leaves the network and keeps its home. */
  async stopNode(number: number): Promise<void> {
    const lab = this.node(number);
    if (!lab.running) return;
    lab.running = false;
    await lab.node.stop();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((lab) => this.stopNode(lab.number)));
    await this.#engine.stop();
    await rm(this.#options.folder, { recursive: true, force: true });
  }

  async #add(number: number, network: string): Promise<void> {
    const { folder, capacityBytes, clock, random, log, version, config } = this.#options;
    const home = join(folder, `node-${number}`);
    await mkdir(home, { recursive: true, mode: 0o700 });
    await markFresh(home);
    const flags = new Map<string, RawValue>([
      ['network.name', network],
      ['network.listen', `/ip4/127.0.${number}.1/tcp/0`],
      ['storage.capacity', String(capacityBytes)],
      ['storage.peerQuota', String(capacityBytes)],
      ['storage.stagedQuota', String(capacityBytes)],
      ['lab.enabled', 'true'],
      ...(config ?? []),
    ]);
    let reader: SwitchableReader | undefined;
    const node = await createNode({
      home,
      identity: identityFromSeed(random(32)),
      resolved: resolveConfig({ flags }),
      version,
      log: log.child({ node: number }),
      clock,
      random,
      engine: this.#engine,
      shardReader: (honest: ShardReader) => {
        reader = new SwitchableReader(honest);
        return reader;
      },
    });
    this.#nodes.push({ number, node, reader: reader as unknown as SwitchableReader, running: true });
    await node.start();
  }

  async #gather(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const until = clock.monotonic() + GATHER_TIMEOUT_MS;
    const known = (lab: LabNode) => lab.node.candidates.list().length;
    while (this.#nodes.some((lab) => known(lab) < this.#nodes.length - 1)) {
      if (clock.monotonic() > until) {
        const fewest = Math.min(...this.#nodes.map(known));
        throw new Error(`the lab did not gather: a node knows ${fewest} of ${this.#nodes.length - 1} others`);
      }
      await clock.sleep(GATHER_POLL_MS, signal);
    }
  }
}

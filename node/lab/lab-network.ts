import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { METHOD_NAMES } from '../../protocol/methods.ts';
import type { Clock } from '../clock.ts';
import { resolveConfig } from '../config/config.ts';
import { markFresh } from '../config/fresh-home.ts';
import type { RawValue } from '../config/option-types.ts';
import { type Identity, identityFromSeed } from '../identity/identity.ts';
import { initialiseHome } from '../identity/identity-file.ts';
import { createKzgEngine } from '../kzg/create-engine.ts';
import type { KzgEngine } from '../kzg/engine.ts';
import type { Logger } from '../log.ts';
import { createNode, type HoldfastNode } from '../node.ts';
import type { RandomBytes } from '../random.ts';
import { NodeFaults } from './faults/node-faults.ts';
import { LabError } from './lab-error.ts';
import { labHooks } from './lab-hooks.ts';
import { MAX_LAB_NODES } from './lab-size.ts';
import type { SwitchableHandlers } from './switchable-handlers.ts';
import type { SwitchableReader } from './switchable-reader.ts';

export interface LabOptions {
  readonly nodes: number;
  /** Homes go below this folder, which is created and which `stop` removes. */
  readonly folder: string;
  /** `stop` leaves the folder. */
  readonly keepFolder?: boolean;
  /** Bytes each node offers. */
  readonly capacityBytes: number;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Draws the identities of the nodes; absent: `random`. */
  readonly seeds?: RandomBytes;
  readonly log: Logger;
  readonly version: string;
  readonly threads?: number;
  /** Further configuration of every node, by option key. */
  readonly config?: ReadonlyMap<string, RawValue>;
  /** And of one node, by its number; it goes before that of all. */
  readonly configOf?: (number: number) => ReadonlyMap<string, RawValue>;
  /** Told how many nodes run, while they start. */
  readonly onStarted?: (nodes: number) => void;
  /** Told of each node that was asked to stop through its own API. */
  readonly onShutdownRequest?: (number: number) => void;
}

/** One node of the lab. */
export interface LabNode {
  /** From 1; node i listens on 127.0.i.1, so that subnets differ. */
  readonly number: number;
  readonly node: HoldfastNode;
  /** What this node reads when it proves or serves. */
  readonly reader: SwitchableReader;
  /** What this node does for others. */
  readonly handlers: SwitchableHandlers;
  /** Makes it fail on order. */
  readonly faults: NodeFaults;
  /** Signs what an honest node would not. */
  readonly identity: Identity;
  readonly home: string;
  readonly running: boolean;
}

interface Slot extends LabNode {
  node: HoldfastNode;
  reader: SwitchableReader;
  handlers: SwitchableHandlers;
  faults: NodeFaults;
  running: boolean;
  /** Bytes sent in earlier runs of this node. */
  sentBefore: number;
}

/** How long all nodes may take to hear of each other. */
const GATHER_TIMEOUT_MS = 60_000;
const GATHER_POLL_MS = 50;
/** Connections each new node opens: to all in a small network, to a few in a large one. */
const MAX_DIALS = 24;

/** Whole nodes in one process: each with its own identity, databases and sockets; they share one KZG engine. */
export class LabNetwork {
  readonly #options: LabOptions;
  readonly #engine: KzgEngine;
  readonly #name: string;
  readonly #slots: Slot[] = [];

  /** @throws LabError too-many-nodes */
  constructor(options: LabOptions) {
    const { nodes, random, threads } = options;
    if (!Number.isSafeInteger(nodes) || nodes < 1) throw new RangeError(`a lab cannot have ${nodes} nodes`);
    if (nodes > MAX_LAB_NODES) throw tooMany(nodes);
    this.#options = options;
    this.#name = `lab-${toHex(random(6))}`;
    this.#engine = createKzgEngine({ random, ...(threads === undefined ? {} : { threads }) });
  }

  /** Of the network, as `network.name` of its nodes. */
  get name(): string {
    return this.#name;
  }

  /** All nodes share it; started and stopped with them. */
  get engine(): KzgEngine {
    return this.#engine;
  }

  get nodes(): readonly LabNode[] {
    return this.#slots;
  }

  /** The node with this number. @throws RangeError */
  node(number: number): LabNode {
    return this.#slot(number);
  }

  /** Bytes that all nodes sent to each other in requests and answers. */
  sentBytes(): number {
    return this.#slots.reduce((sum, slot) => sum + slot.sentBefore + sentBy(slot.node), 0);
  }

  /** Starts all nodes and waits until each has heard of every other. `stop` must be called also when this fails. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#engine.start();
    // A worker needs seconds for the trusted setup: the first one loads it while the nodes start.
    this.#engine.commit(new Uint8Array(SHARD_BYTES), signal).catch(() => {});
    for (let number = 1; number <= this.#options.nodes; number++) {
      await this.#begin(number, signal);
    }
    await this.#gather(signal);
  }

  /** A new node, which all that run have heard of when it resolves. Returns its number. @throws LabError */
  async addNode(signal: AbortSignal): Promise<number> {
    const number = this.#slots.length + 1;
    if (number > MAX_LAB_NODES) throw tooMany(number);
    await this.#begin(number, signal);
    await this.#gather(signal);
    return number;
  }

  /** Stops one node as a shutdown does: it leaves the network and keeps its home. */
  async stopNode(number: number): Promise<void> {
    const slot = this.#slot(number);
    slot.running = false;
    await slot.faults.end();
    await slot.node.stop();
  }

  /**
   * Ends one node without a goodbye: its connections break and no others are made. Its databases are then closed in order,
   * because this process goes on; only a process that is killed shows what a crash does to them.
   */
  async killNode(number: number): Promise<void> {
    this.#slot(number).faults.cutOff();
    await this.stopNode(number);
  }

  /** Brings a stopped node back: the same identity on the same home, at another port. */
  async restartNode(number: number, signal: AbortSignal): Promise<void> {
    const slot = this.#slot(number);
    if (slot.running) return;
    await slot.node.stop();
    slot.sentBefore += sentBy(slot.node);
    Object.assign(slot, await this.#create(number, slot.identity), { running: true });
    await this.#join(slot, signal);
  }

  /** Stops all nodes and removes their homes; goes on where a part fails, and then throws that failure. */
  async stop(): Promise<void> {
    const stopped = await Promise.allSettled(this.#slots.map((slot) => this.stopNode(slot.number)));
    const [engine] = await Promise.allSettled([this.#engine.stop()]);
    const { folder, keepFolder = false } = this.#options;
    if (!keepFolder) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    const failed = [...stopped, engine].find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  #slot(number: number): Slot {
    const found = this.#slots[number - 1];
    if (found === undefined) throw new RangeError(`the lab has no node ${number}`);
    return found;
  }

  #home(number: number): string {
    return join(this.#options.folder, `node-${number}`);
  }

  async #begin(number: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { random, seeds = random } = this.#options;
    const identity = identityFromSeed(seeds(32));
    const home = this.#home(number);
    await initialiseHome(home, identity, () => markFresh(home));
    const made = await this.#create(number, identity);
    const slot = { number, identity, home, running: true, sentBefore: 0, ...made };
    this.#slots.push(slot);
    await this.#join(slot, signal);
    this.#options.onStarted?.(number);
  }

  async #create(number: number, identity: Identity): Promise<Pick<Slot, 'node' | 'reader' | 'handlers' | 'faults'>> {
    const { capacityBytes, clock, random, log, version, config, configOf, onShutdownRequest } = this.#options;
    const flags = new Map<string, RawValue>([
      ['network.name', this.#name],
      ['network.listen', `/ip4/127.0.${number}.1/tcp/0`],
      ['storage.capacity', String(capacityBytes)],
      ['storage.peerQuota', String(capacityBytes)],
      ['storage.stagedQuota', String(capacityBytes)],
      ['lab.enabled', 'true'],
      ...(config ?? []),
      ...(configOf?.(number) ?? []),
    ]);
    const hooks = labHooks();
    const node = await createNode({
      home: this.#home(number),
      identity,
      resolved: resolveConfig({ flags }),
      version,
      log: log.child({ node: number }),
      clock,
      random,
      engine: this.#engine,
      ...hooks.options,
      onShutdownRequest: () => onShutdownRequest?.(number),
    });
    const faults = new NodeFaults({ node, hooks, clock, random });
    return { node, reader: hooks.reader, handlers: hooks.handlers, faults };
  }

  /** Starts a node and connects it with those that run. */
  async #join({ number, node }: Slot, signal: AbortSignal): Promise<void> {
    await node.start();
    const others = this.#slots.filter((other) => other.running && other.number !== number).slice(-MAX_DIALS);
    const calls = others.map((other) => node.host.connect(other.node.host.addresses()[0] as string, signal));
    const failed = (await Promise.allSettled(calls)).filter((call) => call.status === 'rejected');
    signal.throwIfAborted();
    // One is enough to hear of the others; a busy machine, or a partition, may keep some away.
    if (failed.length > 0 && failed.length === others.length) throw failed[0]?.reason;
  }

  async #gather(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const until = clock.monotonic() + GATHER_TIMEOUT_MS;
    const running = this.#slots.filter((slot) => slot.running);
    const others = running.length - 1;
    for (;;) {
      const known = Math.min(...running.map((slot) => heardOf(slot, running)));
      if (known >= others) return;
      if (clock.monotonic() > until) {
        const message = `the nodes did not find each other in ${GATHER_TIMEOUT_MS / 1000} s: one knows ${known} of ${others} others; is a firewall on the loopback?`;
        throw new LabError({ code: 'not-gathered', known, others }, message);
      }
      await clock.sleep(GATHER_POLL_MS, signal);
    }
  }
}

/** How many of these a node has heard of. */
function heardOf({ node }: Slot, slots: readonly Slot[]): number {
  return slots.filter((other) => node.candidates.get(other.node.peerId) !== undefined).length;
}

function tooMany(nodes: number): LabError {
  const message = `${nodes} nodes are more than a lab has room for: ask for ${MAX_LAB_NODES} at most`;
  return new LabError({ code: 'too-many-nodes', nodes, maximum: MAX_LAB_NODES }, message);
}

function sentBy({ host }: HoldfastNode): number {
  return METHOD_NAMES.reduce((sum, method) => sum + host.reqresp.traffic[method].sent, 0);
}

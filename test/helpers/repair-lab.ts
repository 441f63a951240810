import assert from 'node:assert/strict';
import type { FileHealth, NodeEvent } from '../../node/api/services.ts';
import { systemClock } from '../../node/clock.ts';
import { LabNetwork, type LabNode } from '../../node/lab/lab-network.ts';
import { silentLogger } from '../../node/log.ts';
import { systemRandom } from '../../node/random.ts';
import { parseLink } from '../../protocol/link.ts';
import { stream } from './sample-object.ts';
import { until } from './until.ts';

/** Of a busy machine: a repair takes seconds. */
export const PATIENCE_MS = 300_000;
/** Between two looks at a file, each of which asks every node of this process; sooner when a repair has ended. */
const LOOK_MS = 5_000;
const GLANCE_MS = 100;
const CAPACITY_BYTES = 512 * 1024 * 1024;

export interface LabFile {
  readonly root: string;
  readonly link: string;
  readonly content: Uint8Array;
}

/** A network on real sockets whose nodes notice losses, and repair them, within seconds. */
export class RepairLab {
  readonly lab: LabNetwork;
  readonly signal: AbortSignal;
  /** Events of all nodes about repairs, with the number of the node. */
  readonly events: { readonly node: number; readonly event: NodeEvent }[] = [];
  onEvent: (node: number, event: NodeEvent) => void = () => {};
  /** Repairs of any file, by any node. */
  #ended = 0;

  constructor(folder: string, nodes: number, signal: AbortSignal) {
    this.signal = signal;
    this.lab = new LabNetwork({
      nodes,
      folder,
      capacityBytes: CAPACITY_BYTES,
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
      version: 'test',
      config: new Map([
        ['storage.writeBuffer', '8MiB'],
        ['audit.enabled', 'false'],
        ['repair.grace', '1s'],
        ['repair.checkInterval', '10s'],
        ['repair.holdOff', '10s'],
        ['repair.threshold', '0'],
        ['repair.traffic', 'unlimited'],
      ]),
    });
  }

  async start(): Promise<void> {
    await this.lab.start(this.signal);
    for (const node of this.lab.nodes) this.#listen(node);
  }

  stop(): Promise<void> {
    return this.lab.stop();
  }

  async addNode(): Promise<number> {
    const number = await this.lab.addNode(this.signal);
    this.#listen(this.lab.node(number));
    return number;
  }

  async restart(number: number): Promise<void> {
    await this.lab.restartNode(number, this.signal);
    this.#listen(this.lab.node(number));
  }

  running(): readonly LabNode[] {
    return this.lab.nodes.filter(({ running }) => running);
  }

  async add(owner: number, name: string, bytes: number, code: { k: number; m: number }): Promise<LabFile> {
    const content = stream(name, bytes);
    const { root, link } = await this.lab.node(owner).node.services.files.add(pieces(content), {
      kind: 'file',
      code,
      onProgress: () => {},
      signal: this.signal,
    });
    return { root, link, content };
  }

  health({ root }: LabFile, seenBy: number): Promise<FileHealth> {
    return this.lab.node(seenBy).node.services.files.health(root, { worst: 1000, signal: this.signal });
  }

  /** Numbers of the running nodes that answer for something of the file. */
  async holders(file: LabFile, seenBy: number): Promise<number[]> {
    const { worst } = await this.health(file, seenBy);
    const peers = new Set(worst.flatMap(({ holders }) => holders.flat()));
    return this.lab.nodes.filter(({ node, running }) => running && peers.has(node.peerId)).map(({ number }) => number);
  }

  /** What the loss of a node takes at the least: k′ shards of each stripe of which it alone has any, and what it has. */
  async leastRepair(file: LabFile, leaving: number, seenBy: number): Promise<{ fetched: number; sent: number }> {
    const { peerId } = this.lab.node(leaving).node;
    const { worst } = await this.health(file, seenBy);
    const least = { fetched: 0, sent: 0 };
    for (const { holders, needed } of worst) {
      const lost = holders.filter((peers) => peers.length === 1 && peers[0] === peerId).length;
      if (lost > 0) least.fetched += needed;
      least.sent += lost;
    }
    return least;
  }

  /** Waits until every shard has a holder of its own, as this node sees it. */
  async whole(file: LabFile, seenBy: number, what: string): Promise<void> {
    let lookAt = performance.now();
    let seen = 0;
    const isWhole = async () => {
      while (this.#ended === seen && performance.now() < lookAt) await systemClock.sleep(GLANCE_MS, this.signal);
      seen = this.#ended;
      lookAt = performance.now() + LOOK_MS;
      const health = await this.health(file, seenBy);
      return health.verdict === 'healthy' && health.presentShards === health.shards;
    };
    await until(`${what}: every shard of the file to have a holder`, isWhole, PATIENCE_MS);
  }

  /** The file comes back byte for byte. */
  async assertReadable(file: LabFile, by: number): Promise<void> {
    const { key } = parseLink(file.link);
    const { files } = this.lab.node(by).node.services;
    const open = await files.open(file.root, { ...(key === undefined ? {} : { key }), signal: this.signal });
    const pieces: Uint8Array[] = [];
    for await (const piece of open.read({ start: 0, end: open.size }, this.signal)) pieces.push(piece.slice());
    assert.ok(Buffer.concat(pieces).equals(file.content), 'the file came back different');
  }

  /** Sums over all nodes, also those that are gone. */
  totals(): { readonly placed: number; readonly fetched: number; readonly sent: number } {
    const sums = { placed: 0, fetched: 0, sent: 0 };
    for (const { node } of this.lab.nodes) {
      const { totals } = node.services.repairs.overview();
      sums.placed += totals.placed;
      sums.fetched += totals.fetched;
      sums.sent += totals.sent;
    }
    return sums;
  }

  /** Nodes that raise an alarm about the file. */
  alarmed({ root }: LabFile): number[] {
    const alarms = (node: LabNode) => node.node.services.repairs.overview().alarms;
    return this.running()
      .filter((node) => alarms(node).some((alarm) => alarm.root === root))
      .map(({ number }) => number);
  }

  #listen({ number, node }: LabNode): void {
    node.services.events.subscribe((event) => {
      if (!event.type.startsWith('repair.') && event.type !== 'shard.fault') return;
      this.events.push({ node: number, event });
      if (event.type === 'repair.done') this.#ended++;
      this.onEvent(number, event);
    });
  }
}

async function* pieces(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

import { setTimeout as pause } from 'node:timers/promises';
import type { CID } from 'multiformats/cid';
import type { NodeOptions } from '../../node/compose/node-options.ts';
import { composeRepair, type Repair } from '../../node/compose/repair.ts';
import { resolveConfig } from '../../node/config/config.ts';
import { silentLogger } from '../../node/log.ts';
import { locatedManifests } from '../../node/manifest/located-manifests.ts';
import { SegmentDirectory } from '../../node/manifest/segment-directory.ts';
import { peerIdFromKey } from '../../node/network/peer-key.ts';
import { CandidateTable } from '../../node/placement/candidates.ts';
import { Placement } from '../../node/placement/select.ts';
import { strategyOf } from '../../node/placement/strategies.ts';
import { systemRandom } from '../../node/random.ts';
import type { StripeHealth } from '../../node/repair/file-health.ts';
import type { Guarded } from '../../node/store/guarded-root-store.ts';
import type { HolderRecord } from '../../node/store/holder-failure-store.ts';
import { ManifestLocator } from '../../node/transfer/locate.ts';
import { toHex } from '../../protocol/bytes.ts';
import { parseCid } from '../../protocol/cid.ts';
import type { Signer } from '../../protocol/signature.ts';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';
import { NEUTRAL_STANDING } from './candidates.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryFailure, MemoryPeer } from './memory-network.ts';
import { MemoryLosses } from './repair-bench.ts';
import { signerOf } from './signers.ts';
import { TransferBench } from './transfer-bench.ts';

const SETTINGS = [
  ['repair.grace', '4s'],
  ['repair.checkInterval', '5s'],
  ['repair.holdOff', '15s'],
  ['repair.threshold', '0'],
  ['repair.traffic', 'unlimited'],
] as const;
const STEP_MS = 250;
const MAX_STEPS = 4_000;
/** What runs beside the clock takes real time: on a busy machine more than a millisecond for each step. */
const PAUSE_MS = 5;

/** One node with all of its repair, over the network in memory. */
export interface GuardianNode {
  readonly peer: string;
  readonly memory: MemoryPeer | undefined;
  readonly repair: Repair;
  readonly events: { readonly type: string; readonly data: object }[];
  running: boolean;
}

/** What one message may do: who sends it to whom. */
export type Link = (from: string, to: string) => boolean;

/** A file in a network in memory whose nodes guard it. Time passes only while somebody waits. */
export class GuardianBench {
  readonly bench: TransferBench;
  readonly clock = new ManualClock();
  readonly nodes: GuardianNode[] = [];
  root!: CID;
  key!: Uint8Array;
  /** Which peers reach which. */
  reaches: Link = () => true;
  onEvent: (node: GuardianNode, type: string) => void = () => {};
  /** Peers that leave all audits without an answer, since when. */
  readonly silent = new Map<string, number>();
  readonly #gossip = new Map<string, (from: string, bytes: Uint8Array) => void>();

  constructor(peers: number) {
    this.bench = new TransferBench(peers);
  }

  /** Stores a file and starts a node for its owner and for each peer. */
  async start(content: Uint8Array, code: { readonly k: number; readonly m: number }): Promise<void> {
    const { root, key } = await this.bench.uploader().add(once(content), { kind: 'file', code });
    this.root = root;
    this.key = key;
    await this.#begin(signerOf('owner'), undefined);
    for (const memory of this.bench.network.all) await this.#begin(memory.signer, memory);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.filter(({ running }) => running).map(({ repair }) => repair.stop()));
  }

  get owner(): GuardianNode {
    return this.nodes[0] as GuardianNode;
  }

  /** The running nodes that hold something. */
  holders(): GuardianNode[] {
    return this.nodes.filter(({ running, memory }) => running && (memory?.stored.size ?? 0) > 0);
  }

  /** A node that was not there before. */
  async join(name: string): Promise<GuardianNode> {
    const memory = new MemoryPeer(name);
    this.bench.network.peers.set(memory.id, memory);
    return this.#begin(memory.signer, memory);
  }

  /** Without a goodbye. */
  leave(node: GuardianNode): void {
    node.running = false;
    if (node.memory !== undefined) node.memory.online = false;
    void node.repair.stop();
    for (const { repair, running } of this.nodes) if (running) repair.missed(node.peer);
  }

  comeBack(node: GuardianNode): void {
    if (node.memory !== undefined) node.memory.online = true;
    for (const { repair, running } of this.nodes) if (running) repair.connected(node.peer);
  }

  async health(seenBy = this.nodes.findLast(({ running }) => running) as GuardianNode): Promise<StripeHealth[]> {
    return Array.fromAsync(seenBy.repair.health.check(this.root, new AbortController().signal));
  }

  async whole(): Promise<boolean> {
    return (await this.health()).every(({ state }) => state === 'healthy');
  }

  /** Lets time pass until the condition holds. */
  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    for (let step = 0; step < MAX_STEPS; step++) {
      if (step % 8 === 0 && (await condition())) return;
      await this.clock.advance(STEP_MS);
      // What runs needs time of this process, too.
      await pause(PAUSE_MS);
    }
    throw new Error(`still waiting: ${what}`);
  }

  async #begin(signer: Signer, memory: MemoryPeer | undefined): Promise<GuardianNode> {
    const peer = peerIdFromKey(signer.publicKey);
    const events: GuardianNode['events'] = [];
    const repair = this.#compose(signer, memory, peer, events);
    const node = { peer, memory, repair, events, running: true };
    this.nodes.push(node);
    await repair.load();
    await repair.start();
    return node;
  }

  #compose(signer: Signer, memory: MemoryPeer | undefined, self: string, events: GuardianNode['events']): Repair {
    const { clock, bench, root } = this;
    const client = this.#view(self, memory);
    const received = memoryReceipts(memory === undefined ? bench.receipts : []);
    const table = new CandidateTable({ clock, standingOf: () => NEUTRAL_STANDING });
    const advertise = () => {
      for (const [i, { id, online }] of bench.network.all.entries()) {
        if (online && this.reaches(self, id)) {
          table.advertised({ peer: id, capacity: 1e12, free: 1e12, region: '', addresses: [] });
          table.connected(id, `/ip4/127.0.${i + 1}.1`);
        } else table.remove(id);
      }
    };
    const placement = new Placement({
      candidates: table,
      self,
      strategy: strategyOf('random'),
      random: systemRandom,
    });
    const own = async function* () {
      if (memory === undefined) yield { root };
    };
    const stores = {
      catalog: { has: async () => memory === undefined, list: own },
      guardedRoots: memoryRoots(),
      manifests: { async *rootsOf() {} },
      receivedReceipts: received,
      issuedReceipts: {
        async *scan() {
          yield* memory?.receipts.values() ?? [];
        },
      },
      lostShards: new MemoryLosses(),
      holderFailures: new Map<string, HolderRecord>(),
    };
    const failures = stores.holderFailures;
    const options = {
      identity: signer,
      clock,
      log: silentLogger,
      resolved: resolveConfig({ flags: new Map(SETTINGS) }),
    } as unknown as NodeOptions;
    const locator = new ManifestLocator({
      network: bench.networkId,
      own: { get: async (cid) => bench.nodes.get(cid.toString()) },
      client,
      peers: client,
      receipts: received,
      clock,
    });
    const repair = composeRepair({
      options,
      network: bench.networkId,
      random: systemRandom,
      stores: {
        ...stores,
        holderFailures: {
          get: async (key: Uint8Array) => failures.get(toHex(key)),
          put: async (key: Uint8Array, record: HolderRecord) => void failures.set(toHex(key), record),
        },
      } as never,
      host: { peerId: self, client: client as never, connected: () => client.connected() },
      pubsub: this.#pubsub(self),
      codes: bench.codes,
      locator,
      located: new SegmentDirectory(locatedManifests(locator), bench.codes),
      own: client,
      holdings: {
        async *roots() {
          for (const cid of new Set(memory?.nodes.keys()))
            if (memory?.stored.size !== 0 && cid === root.toString()) yield parseCid(cid);
        },
      },
      placement: {
        eligible: (request) => placement.eligible(request),
        select(request) {
          advertise();
          return placement.select(request);
        },
        refusalOf: () => undefined,
      },
      candidates: table,
      events: {
        emit: (type, data) => {
          events.push({ type, data });
          const node = this.nodes.find(({ peer }) => peer === self);
          if (node !== undefined) this.onEvent(node, type);
        },
      },
      record: () => undefined,
      isDisqualified: () => false,
      releases: { obeyed: async () => false },
      onRestored: async () => undefined,
      silentSince: (peer) => this.silent.get(peer),
      onShardFault: ({ peer, index, kind }) => events.push({ type: 'shard.fault', data: { peer, index, kind } }),
    });
    return repair;
  }

  /** The network as one peer sees it. */
  #view(self: string, memory: MemoryPeer | undefined) {
    const { network } = this.bench;
    const away = (to: string) => {
      const up = memory === undefined || memory.online;
      if (!up || !this.reaches(self, to)) throw new MemoryFailure({ code: 'closed-early' }, `${to} is away`);
    };
    const after =
      <A extends readonly unknown[], R>(call: (peer: string, ...rest: A) => R) =>
      (peer: string, ...rest: A): R => {
        away(peer);
        return call.call(network, peer, ...rest);
      };
    return {
      stage: async (...args: Parameters<typeof network.stage>) => after(network.stage)(...args),
      stageAndCommit: async (...args: Parameters<typeof network.stageAndCommit>) =>
        after(network.stageAndCommit)(...args),
      finalize: async (...args: Parameters<typeof network.finalize>) => {
        const receipts = await after(network.finalize)(...args);
        this.nodes.find(({ peer }) => peer === args[0])?.repair.kept(this.root);
        return receipts;
      },
      fetch: after(network.fetch),
      have: after(network.have),
      manifest: async (...args: Parameters<typeof network.manifest>) => after(network.manifest)(...args),
      connected: () => network.connected().filter((peer) => this.reaches(self, peer)),
      async *findProviders(): AsyncGenerator<string> {},
    };
  }

  #pubsub(self: string) {
    const validators = new Map<string, (peer: { toString(): string }, message: { data: Uint8Array }) => unknown>();
    this.#gossip.set(self, (from, data) => {
      for (const validate of validators.values()) validate({ toString: () => from }, { data });
    });
    return {
      topicValidators: validators,
      subscribe: () => undefined,
      unsubscribe: () => undefined,
      getSubscribers: () => [...this.#gossip.keys()],
      publish: async (_topic: string, data: Uint8Array) => {
        for (const [peer, deliver] of this.#gossip) if (peer !== self && this.reaches(self, peer)) deliver(self, data);
        return { recipients: [] };
      },
    } as never;
  }
}

function memoryReceipts(initial: readonly StoreReceipt[]) {
  const kept = new Map<string, StoreReceipt>();
  const put = async (receipt: StoreReceipt) => {
    kept.set(`${receipt.root} ${receipt.segment} ${toHex(receipt.holder)}`, receipt);
  };
  for (const receipt of initial) void put(receipt);
  const of = (holder: Uint8Array) => [...kept.values()].filter((receipt) => toHex(receipt.holder) === toHex(holder));
  return {
    put,
    takesBack: async () => false,
    async *scan(root: CID, segment?: CID) {
      yield* [...kept.values()].filter(
        (receipt) => receipt.root.equals(root) && (segment === undefined || receipt.segment.equals(segment)),
      );
    },
    async *ofHolder(holder: Uint8Array) {
      yield* of(holder);
    },
    async *segmentsOf(holder: Uint8Array) {
      yield* of(holder);
    },
    holders: async () => [...kept.values()].map(({ holder }) => peerIdFromKey(holder)),
    remove: async (root: CID, segment: CID, holder: Uint8Array) =>
      void kept.delete(`${root} ${segment} ${toHex(holder)}`),
    removeRoot: async () => kept.clear(),
  };
}

function memoryRoots() {
  const roots = new Map<string, Guarded>();
  return {
    async *list() {
      for (const root of roots.keys()) yield parseCid(root);
    },
    has: async (root: CID) => roots.has(root.toString()),
    get: async (root: CID) => roots.get(root.toString()),
    put: async (root: CID, guarded: Guarded) => void roots.set(root.toString(), guarded),
    remove: async (root: CID) => void roots.delete(root.toString()),
  };
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

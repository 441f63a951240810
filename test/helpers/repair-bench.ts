import type { CID } from 'multiformats/cid';
import type { ShardName } from '../../node/audit/outcome.ts';
import type { Clock } from '../../node/clock.ts';
import { silentLogger } from '../../node/log.ts';
import { peerIdFromKey } from '../../node/network/peer-key.ts';
import { Absences } from '../../node/repair/absences.ts';
import { HolderCensus } from '../../node/repair/census.ts';
import { ClaimCheck } from '../../node/repair/claim-check.ts';
import { LostShards } from '../../node/repair/lost-shards.ts';
import { RecentTroubles } from '../../node/repair/recent-troubles.ts';
import type { Announcement } from '../../node/repair/repair-gossip.ts';
import { Repairer, type RepairerDeps, type RepairOrder } from '../../node/repair/repairer.ts';
import { ShardPlacer } from '../../node/repair/shard-placer.ts';
import { Survey } from '../../node/repair/survey.ts';
import type { LossReason, LostShard } from '../../node/store/lost-shard-store.ts';
import { rebuilder } from '../../node/transfer/rebuild.ts';
import { concat, fromHex, toHex } from '../../protocol/bytes.ts';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';
import type { MemoryPeer } from './memory-network.ts';
import { signerOf } from './signers.ts';
import { quickClock, type TransferBench } from './transfer-bench.ts';

/** Lost-shard records in memory. */
export class MemoryLosses {
  readonly #records = new Map<string, Map<number, LostShard>>();

  async put(holder: Uint8Array, segment: CID, indices: readonly number[], loss: LostShard): Promise<void> {
    const key = toHex(concat(holder, segment.bytes));
    const known = this.#records.get(key) ?? new Map<number, LostShard>();
    for (const index of indices) known.set(index, loss);
    this.#records.set(key, known);
  }

  async of(holder: Uint8Array, segment: CID): Promise<Map<number, LostShard>> {
    return new Map(this.#records.get(toHex(concat(holder, segment.bytes))));
  }

  async has(holder: Uint8Array): Promise<boolean> {
    return [...this.#records].some(([key, { size }]) => key.startsWith(toHex(holder)) && size > 0);
  }

  async remove(holder: Uint8Array, segment: CID, indices: readonly number[]): Promise<void> {
    const known = this.#records.get(toHex(concat(holder, segment.bytes)));
    for (const index of indices) known?.delete(index);
  }

  async *holders(): AsyncGenerator<Uint8Array> {
    for (const key of this.#records.keys()) yield fromHex(key.slice(0, 64));
  }
}

/** A guardian that holds nothing itself, in the network of a TransferBench. */
export class RepairBench {
  readonly bench: TransferBench;
  readonly absences: Absences;
  readonly lost: LostShards;
  /** Receipts that the guardian keeps. */
  readonly receipts: StoreReceipt[] = [];
  /** What new holders were given. */
  readonly placed: ShardName[] = [];
  readonly announced: Announcement['kind'][] = [];
  readonly faults: { readonly peer: string; readonly index: number; readonly why: LossReason }[] = [];
  readonly disqualified = new Set<string>();
  /** Peers that leave audits without an answer, since when. */
  readonly silent = new Map<string, number>();
  readonly slow: RecentTroubles;
  graceMs = 0;
  /** Shards that were asked leave for. */
  admitted = 0;
  readonly #clock: Clock;

  constructor(bench: TransferBench, clock: Clock = quickClock) {
    this.bench = bench;
    this.#clock = clock;
    this.absences = new Absences(clock);
    this.slow = new RecentTroubles(clock);
    this.lost = new LostShards({
      store: new MemoryLosses(),
      clock,
      onLost: () => undefined,
      onRestored: async () => undefined,
    });
    this.receipts.push(...bench.receipts);
  }

  get survey(): Survey {
    return new Survey({
      census: this.census,
      segments: this.bench.locator(),
      rates: { rateOf: async () => 1 / 365 },
    });
  }

  get census(): HolderCensus {
    const { network } = this.bench;
    const { receipts } = this;
    return new HolderCensus({
      client: network,
      peers: network,
      providers: { of: async () => [] },
      receipts: {
        async *scan(root, segment) {
          const newest = new Map<string, StoreReceipt>();
          for (const receipt of receipts) {
            if (receipt.root.equals(root) && receipt.segment.equals(segment))
              newest.set(toHex(receipt.holder), receipt);
          }
          yield* newest.values();
        },
        put: async (receipt) => void receipts.push(receipt),
        remove: async () => undefined,
      },
      onReplaced: async () => undefined,
      self: peerIdFromKey(signerOf('guardian').publicKey),
      absences: this.absences,
      silentSince: (peer) => this.silent.get(peer),
      lost: this.lost,
      claims: new ClaimCheck({
        client: network,
        admit: async () => undefined,
        random: (count) => new Uint8Array(count),
        clock: this.#clock,
      }),
      isDisqualified: (peer) => this.disqualified.has(peer),
      subnetOf: (peer) => this.bench.table.get(peer)?.subnet,
      graceMs: this.graceMs,
      clock: this.#clock,
    });
  }

  repairer(changes: Partial<RepairerDeps> = {}): Repairer {
    const { network, codes } = this.bench;
    const clock = this.#clock;
    return new Repairer({
      self: peerIdFromKey(signerOf('guardian').publicKey),
      locator: this.bench.locator(),
      survey: this.survey,
      client: network,
      rebuilder: (client, { root }) =>
        rebuilder({
          client,
          codes,
          clock,
          slow: this.slow,
          onShardFault: ({ peer, segment, index, kind }) => {
            const why = kind === 'garbage' ? 'garbage' : 'declared';
            this.faults.push({ peer, index, why });
            void this.lost.lost(peer, [{ root, segment, index }], why);
          },
        }),
      placer: new ShardPlacer({
        client: network,
        chooser: this.bench.placement(),
        random: (count) => new Uint8Array(count),
        clock,
        leastLeaseMs: 1_000,
        takesBack: async () => false,
      }),
      missingSince: (peer, of) => this.census.missingSince(peer, of),
      announce: async ({ kind }) => void this.announced.push(kind),
      onPlaced: async (receipt, shards) => {
        this.receipts.push(receipt);
        this.placed.push(...shards);
      },
      onStarted: () => undefined,
      admit: async (shards) => {
        this.admitted += shards;
      },
      leaseMs: 1_000,
      clock,
      log: silentLogger,
      ...changes,
    });
  }

  order(root: CID, choice: RepairOrder['choice'] = 'auto'): RepairOrder {
    return { root, position: 0, choice, watched: { keep: true } };
  }

  /** The peers that hold something, in the order of the network. */
  holders(): MemoryPeer[] {
    return this.bench.network.all.filter(({ stored }) => stored.size > 0);
  }
}

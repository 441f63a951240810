import { bitmapOf } from '../../protocol/bitmap.ts';
import { nodeCid } from '../../protocol/cid.ts';
import { CodedError } from '../../protocol/errors.ts';
import type { Root } from '../../protocol/manifest.ts';
import { type Segment, shardIdAt } from '../../protocol/segment.ts';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';
import type { Clock } from '../clock.ts';
import { keyFromPeerId, peerIdFromKey } from '../network/peer-key.ts';
import type { RandomBytes } from '../random.ts';
import { retryPause } from '../transfer/failure.ts';
import type { FinalizeClient, HolderChooser, StageClient } from '../transfer/ports.ts';
import { receiptFault } from '../transfer/receipt-check.ts';
import { StripeShortage } from '../transfer/shard-fetcher.ts';
import { distinctStripes } from '../transfer/stripe-groups.ts';
import { newHolder } from './new-holder.ts';
import { RecentTroubles } from './recent-troubles.ts';

/** The bytes of one shard, which must hash to its id; called when it is its turn, again after a holder failed. */
export type ShardLoader = (signal: AbortSignal) => Promise<Uint8Array>;

export interface PlaceRequest {
  readonly root: Root;
  /** As its owner signed it. */
  readonly rootBytes: Uint8Array;
  readonly segment: Segment;
  /** The segment's bytes. */
  readonly node: Uint8Array;
  /** Index → how to get at the shard. */
  readonly shards: ReadonlyMap<number, ShardLoader>;
  /** Index → the peers that have shards of the segment and stay; new ones are chosen beside them. */
  readonly holders: ReadonlyMap<number, readonly string[]>;
  /** Index → the peers that signed for the shard, also those that do not answer or have lost it. */
  readonly signed?: ReadonlyMap<number, readonly string[]>;
  /** Peers that get nothing. The owner and this node never do. */
  readonly exclude?: readonly string[];
  /** Only to holders that keep all apart; default: a small network may crowd. */
  readonly apart?: boolean;
  /** Whether a shard is still to be placed; asked before it is sent and before it is signed for. */
  readonly isWanted?: (index: number) => boolean;
}

export interface Placed {
  /** Index → the receipt that covers it. */
  readonly receipts: ReadonlyMap<number, StoreReceipt>;
  /** Indices of shards that could not be had. */
  readonly short: ReadonlySet<number>;
  /** Shards that went over the network. */
  readonly sent: number;
  /** Constraints that could not be kept, and holders that failed; one line each. */
  readonly warnings: readonly string[];
}

export interface ShardPlacerDeps {
  readonly client: StageClient & FinalizeClient;
  readonly chooser: HolderChooser;
  readonly random: RandomBytes;
  readonly clock: Clock;
  /** For how long a new holder has to promise at least, milliseconds. */
  readonly leastLeaseMs: number;
  /** Whether a receipt takes back what its holder promised before. */
  readonly takesBack: (receipt: StoreReceipt) => Promise<boolean>;
}

/** Shards in memory at a time: 8 MiB. */
const BATCH = 64;
/** New holders tried for the same shards. */
const ATTEMPTS = 3;
/** Besides, those that turn out to be bound to another shard of the stripe: nothing is wrong with them. */
const TAKEN_ATTEMPTS = 8;
const UPLOAD_BYTES = 16;

/** Shards on their way to one new holder. */
interface Move {
  readonly peer: string;
  readonly indices: readonly number[];
  failed: false | 'stripe-taken' | 'other';
}

/**
 * Gives shards of one segment to new holders, chosen by the placement strategy beside those that stay: stages them and lets
 * the new holder check and sign (protocol v1 §4). Who places is trusted with nothing.
 */
export class ShardPlacer {
  readonly #deps: ShardPlacerDeps;
  /** Who did not take shards of which object lately: what it has against one object says nothing of others. */
  readonly #refusals: RecentTroubles;

  constructor(deps: ShardPlacerDeps) {
    this.#deps = deps;
    this.#refusals = new RecentTroubles(deps.clock);
  }

  /**
   * What nobody took, or could not be had, is not among the receipts.
   * @throws the signal's reason, or what a loader throws; but StripeShortage only leaves the shard out
   */
  async place(request: PlaceRequest, signal: AbortSignal): Promise<Placed> {
    const run = new Placing(this.#deps, request, this.#refusals);
    let failed = 0;
    let taken = 0;
    while (failed < ATTEMPTS && taken < TAKEN_ATTEMPTS) {
      const outcome = await run.round(signal);
      if (outcome === 'settled') break;
      if (outcome === 'failed') failed++;
      else taken++;
    }
    return { receipts: run.receipts, short: run.short, sent: run.sent, warnings: run.warnings };
  }
}

class Placing {
  readonly receipts = new Map<number, StoreReceipt>();
  readonly short = new Set<number>();
  readonly warnings: string[] = [];
  sent = 0;
  readonly #deps: ShardPlacerDeps;
  readonly #request: PlaceRequest;
  readonly #upload: Uint8Array;
  readonly #refusals: RecentTroubles;
  /** How the object's refusals begin; then comes the peer. */
  readonly #name: string;
  /** Who failed lately: each would cost another transfer. */
  readonly #avoided: readonly string[];
  /** Who failed: asked no further. */
  readonly #failed = new Set<string>();

  constructor(deps: ShardPlacerDeps, request: PlaceRequest, refusals: RecentTroubles) {
    this.#deps = deps;
    this.#request = request;
    this.#refusals = refusals;
    this.#name = `${nodeCid(request.rootBytes)} `;
    const refused = refusals.all().filter((name) => name.startsWith(this.#name));
    this.#avoided = refused.map((name) => name.slice(this.#name.length));
    this.#upload = deps.random(UPLOAD_BYTES);
  }

  /** One new holder for each group of what is left; unless it is settled, another round may do better. */
  async round(signal: AbortSignal): Promise<'settled' | 'failed' | 'taken'> {
    const { shards, root } = this.#request;
    const left = [...shards.keys()].filter((index) => this.#isLeft(index)).sort((a, b) => a - b);
    const moves = this.#choose(distinctStripes(root.code, left));
    await this.#stage(left, moves, signal);
    await Promise.all(moves.filter(({ failed }) => !failed).map((move) => this.#finalize(move, signal)));
    if (moves.some(({ failed }) => failed === 'other')) return 'failed';
    return moves.some(({ failed }) => failed === 'stripe-taken') ? 'taken' : 'settled';
  }

  #isLeft(index: number): boolean {
    return !this.receipts.has(index) && !this.short.has(index) && (this.#request.isWanted?.(index) ?? true);
  }

  #choose(groups: readonly (readonly number[])[]): Move[] {
    const { root, holders, signed = holders, exclude = [], apart = false } = this.#request;
    const { chooser } = this.#deps;
    const taken = new Map(holders);
    for (const [index, { holder }] of this.receipts) taken.set(index, [peerIdFromKey(holder)]);
    const moves: Move[] = [];
    const open = [...groups];
    for (let indices = open.shift(); indices !== undefined; indices = open.shift()) {
      const unfit = [...exclude, peerIdFromKey(root.owner), ...this.#failed];
      const request = { code: root.code, indices, holders: taken, signed, exclude: unfit, apart };
      // That shards lie apart counts for more; and where there is nobody else, who failed may have recovered.
      const another =
        this.#avoided.length > 0 &&
        newHolder(chooser, { ...request, exclude: [...unfit, ...this.#avoided], apart: true });
      const chosen = another || newHolder(chooser, request);
      if (chosen === undefined) {
        // Where nobody may take all of them, each may still have somebody.
        if (indices.length > 1) open.push(...indices.map((index) => [index]));
        continue;
      }
      this.warnings.push(...chosen.warnings);
      for (const index of indices) taken.set(index, [...(taken.get(index) ?? []), chosen.peer]);
      moves.push({ peer: chosen.peer, indices, failed: false });
    }
    return moves;
  }

  /** Stripe by stripe to all at once, so that a stripe has to be rebuilt once for all its new holders. */
  async #stage(left: readonly number[], moves: readonly Move[], signal: AbortSignal): Promise<void> {
    const { segment, root } = this.#request;
    const placed = new Set(moves.flatMap(({ indices }) => indices));
    const all = left.filter((index) => placed.has(index));
    for (let start = 0; start < all.length; start += BATCH) {
      const going = moves.filter(({ failed }) => !failed);
      const wanted = new Set(going.flatMap(({ indices }) => indices));
      const batch = all.slice(start, start + BATCH).filter((index) => wanted.has(index) && this.#isLeft(index));
      const bytes = new Map<number, Uint8Array>();
      for (const index of batch) {
        const shard = await this.#load(index, signal);
        if (shard !== undefined) bytes.set(index, shard);
      }
      await Promise.all(
        going.map(async (move) => {
          const offers = move.indices.flatMap((index) => {
            const shard = bytes.get(index);
            return shard === undefined
              ? []
              : [{ id: shardIdAt(segment, root.code, index) as Uint8Array, bytes: () => shard }];
          });
          if (offers.length === 0) return;
          const stage = () => this.#deps.client.stage(move.peer, this.#upload, offers, signal);
          const done = await this.#attempt(move, stage, signal);
          this.sent += done?.sent ?? 0;
        }),
      );
    }
  }

  /** Undefined when the shard cannot be had: the others still can. */
  async #load(index: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    try {
      return await (this.#request.shards.get(index) as ShardLoader)(signal);
    } catch (error) {
      if (!(error instanceof StripeShortage)) throw error;
      this.short.add(index);
      this.warnings.push(`shard ${index} cannot be had: ${error.message}`);
      return undefined;
    }
  }

  async #finalize(move: Move, signal: AbortSignal): Promise<void> {
    const { rootBytes, node } = this.#request;
    const indices = move.indices.filter((index) => this.#isLeft(index));
    if (indices.length === 0) return;
    const entry = { node, indices: bitmapOf(indices) };
    const sign = async () => {
      const [receipt] = await this.#deps.client.finalize(move.peer, rootBytes, [entry], signal, true);
      return this.#checked(move.peer, receipt, entry.indices);
    };
    const receipt = await this.#attempt(move, sign, signal);
    if (receipt !== undefined) for (const index of indices) this.receipts.set(index, receipt);
  }

  async #checked(peer: string, receipt: StoreReceipt | undefined, indices: Uint8Array): Promise<StoreReceipt> {
    const { root, rootBytes, node } = this.#request;
    if (receipt === undefined) throw new BadReceipt('a receipt is missing');
    const { clock, leastLeaseMs, takesBack } = this.#deps;
    const { network, owner } = root;
    const holder = keyFromPeerId(peer);
    const now = clock.now();
    const expected = { network, owner, holder, root: nodeCid(rootBytes), segment: nodeCid(node), indices };
    const fault = receiptFault(receipt, { ...expected, now, until: now + leastLeaseMs });
    if (fault !== undefined) throw new BadReceipt(`a receipt is refused: ${fault}`);
    if (await takesBack(receipt)) throw new BadReceipt('a receipt is refused: it takes back an earlier one');
    return receipt;
  }

  /** Undefined when the holder failed for good; it is warned about and gets nothing more. */
  async #attempt<T>(move: Move, call: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    const { clock } = this.#deps;
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      try {
        return await call();
      } catch (error) {
        signal.throwIfAborted();
        const pause = error instanceof BadReceipt ? undefined : retryPause(error, attempt, clock.now());
        if (pause !== undefined) {
          await clock.sleep(pause, signal);
          continue;
        }
        move.failed = isStripeTaken(error) ? 'stripe-taken' : 'other';
        this.#failed.add(move.peer);
        if (move.failed === 'other') this.#refusals.add(this.#name + move.peer);
        this.warnings.push(
          `${move.peer} did not take shards (${error instanceof Error ? error.message : String(error)})`,
        );
        return undefined;
      }
    }
  }
}

class BadReceipt extends Error {}

/** The peer signed for another shard of the stripe, which this node did not know. */
function isStripeTaken(error: unknown): boolean {
  if (!(error instanceof CodedError)) return false;
  const { code, fault } = error.type as { readonly code: string; readonly fault?: { readonly code: string } };
  return code === 'refused-not-allowed' && fault?.code === 'stripe-taken';
}

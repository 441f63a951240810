import type { CID } from 'multiformats/cid';
import { MAX_AUDIT_ENTRIES } from '../../protocol/audit-refusal.ts';
import { bitmapCount, bitmapIndices } from '../../protocol/bitmap.ts';
import { toHex } from '../../protocol/bytes.ts';
import { MAX_AUDIT_SHARDS } from '../../protocol/constants.ts';
import { isExpired, type StoreReceipt } from '../../protocol/store-receipt.ts';
import type { Clock } from '../clock.ts';
import { nextTurn } from '../kzg/next-turn.ts';
import { peerIdFromKey } from '../network/peer-key.ts';
import type { CycleState, SetPart } from '../store/audit-schedule-store.ts';
import { isDamagedRecord } from '../store/errors.ts';
import { WeightedCache } from '../weighted-cache.ts';
import { CYCLE_END, type CyclePosition, isRareTurn, positionAt, RARE_CYCLES, rankOf } from './cycle-order.ts';
import { CycleRanks, type Ranked } from './cycle-ranks.ts';
import { HoldersOfNothing } from './holders-of-nothing.ts';
import { type Missing, type Seek, SegmentSearch } from './segment-search.ts';
import { type SelectedPart, Selection } from './selection.ts';
import { coveredIndices, type SegmentLoader, SetBuilder } from './selections.ts';
import type { UnusableParts } from './unusable-parts.ts';

/** The objects whose holders this node asks about their shards. */
export interface WatchedFiles {
  /** Own objects and those that it guards: what was not answered is asked again until it is settled. */
  has(root: CID): Promise<boolean>;
  /**
   * Own objects and those of which it is among the first guardians: their holders are asked in each cycle, those of the rest
   * in few, for first guardians may be turned off, or lie.
   */
  audits(root: CID): Promise<boolean>;
}

export interface HolderShardsDeps {
  /** Public key of this node. */
  readonly self: Uint8Array;
  readonly watched: WatchedFiles;
  readonly receipts: {
    /** Peer ids of all that signed for something of an object. */
    holders(root: CID): Promise<readonly string[]>;
    allHolders(signal?: AbortSignal): AsyncIterable<Uint8Array>;
    segmentsOf(holder: Uint8Array, signal?: AbortSignal): AsyncIterable<{ root: CID; segment: CID }>;
    get(root: CID, segment: CID, holder: Uint8Array): Promise<StoreReceipt | undefined>;
  };
  readonly segments: SegmentLoader;
  /** The same, of the manifests that are kept here alone. */
  readonly kept: SegmentLoader;
  /** What nothing can be proved about. */
  readonly unusable: Pick<UnusableParts, 'has'>;
  readonly clock: Clock;
}

export interface Slice {
  /** Absent when nothing that can be audited lies between the position and the end. */
  readonly selection: Selection | undefined;
  readonly end: CyclePosition;
}

/** What is left to be asked about of a set. */
export interface Left {
  /** Absent when nothing of it can be asked about now. */
  readonly selection: Selection | undefined;
  /** Still to be answered for, but their manifests are out of reach. */
  readonly lacking: readonly SetPart[];
}

/** Segments looked at between two turns of the event loop. */
const TURN = 256;
/**
 * Segments whose order is kept: four of the largest slices of a holder, and of 32 such holders (about 25 MB at most).
 * A holder of 100,000 small files is then looked through 12 times in a cycle, not 50 times.
 */
const KEPT_OF_HOLDER = 4 * MAX_AUDIT_ENTRIES;
const KEPT = 32 * KEPT_OF_HOLDER;

/** What holders answer for now: signed, not expired, and of an object whose holders are audited. */
export class HolderShards {
  readonly #deps: HolderShardsDeps;
  /** By holder and seed of the cycle. */
  readonly #orders = new WeightedCache<CycleRanks>(KEPT);
  readonly #nothing: HoldersOfNothing;
  readonly #search: SegmentSearch;

  constructor(deps: HolderShardsDeps) {
    this.#deps = deps;
    this.#nothing = new HoldersOfNothing((root) => deps.receipts.holders(root));
    this.#search = new SegmentSearch(deps.segments, deps.kept, deps.clock);
  }

  /** A receipt for something of the object came, or its holders are audited from now on. */
  changed(root: CID): void {
    this.#nothing.changed(root);
  }

  /** Keys of all that signed for anything. */
  holders(signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#deps.receipts.allHolders(signal);
  }

  /** Shards that it is asked about in a cycle, on average. */
  async count(holder: Uint8Array, signal: AbortSignal): Promise<number> {
    const counted = () => this.#counted(holder, signal);
    return this.#nothing.count(peerIdFromKey(holder), this.#deps.clock.now(), counted);
  }

  async #counted(holder: Uint8Array, signal: AbortSignal): Promise<number> {
    const { watched } = this.#deps;
    const audits = oncePerRoot((root) => watched.audits(root));
    const has = oncePerRoot((root) => watched.has(root));
    let shards = 0;
    let rare = 0;
    let seen = 0;
    // Segments come by root.
    for await (const { root, segment } of this.#deps.receipts.segmentsOf(holder, signal)) {
      if (++seen % TURN === 0) await nextTurn();
      signal.throwIfAborted();
      const always = await audits(root);
      if (!always && !(await has(root))) continue;
      const receipt = await this.#receipt(holder, root, segment);
      const count = receipt === undefined ? 0 : bitmapCount(receipt.indices);
      if (always) shards += count;
      else rare += count;
    }
    return shards + Math.ceil(rare / RARE_CYCLES);
  }

  /**
   * What comes next in the order of the cycle, as much as one challenge holds. What was stored since the order was drawn
   * up may have to wait for the next cycle, and so does what is out of reach.
   */
  async slice(holder: Uint8Array, cycle: CycleState, signal: AbortSignal): Promise<Slice> {
    const order = await this.#order(holder, cycle, signal);
    const isAudited = this.#auditing(holder, cycle);
    const seek = this.#search.begin(signal);
    const set = new SetBuilder();
    let end: CyclePosition = { rank: cycle.rank, index: cycle.index };
    const done = (): Slice => ({ selection: set.parts.length === 0 ? undefined : new Selection(set.parts), end });
    let seen = 0;
    for (const { rank, root, segment } of order.after(cycle.rank)) {
      if (++seen % TURN === 0) await nextTurn();
      const from = rank === cycle.rank ? cycle.index : 0;
      const part = (await isAudited(root)) ? await this.#part(holder, root, segment, seek) : 'gone';
      if (part === 'late') return done();
      const indices = typeof part === 'string' ? [] : part.indices.filter((index) => index >= from);
      for (let start = 0; typeof part !== 'string' && start < indices.length; start += MAX_AUDIT_SHARDS) {
        const some = indices.slice(start, start + MAX_AUDIT_SHARDS);
        if (!set.take({ ...part, indices: some })) return done();
        end = positionAt(rank, (some.at(-1) as number) + 1);
      }
      end = positionAt(rank);
    }
    if (order.complete) end = CYCLE_END;
    return done();
  }

  /** The same shards again, less what the holder no longer answers for. */
  async selection(holder: Uint8Array, parts: readonly SetPart[], signal: AbortSignal): Promise<Left> {
    const selected: SelectedPart[] = [];
    const lacking: SetPart[] = [];
    const seek = this.#search.begin(signal);
    for (const wanted of parts) {
      const { root, segment } = wanted;
      if (!(await this.#deps.watched.has(root))) continue;
      const part = await this.#part(holder, root, segment, seek);
      if (part === 'gone') continue;
      if (typeof part === 'string') {
        lacking.push(wanted);
        continue;
      }
      const asked = new Set(bitmapIndices(wanted.indices));
      const indices = part.indices.filter((index) => asked.has(index));
      if (indices.length > 0) selected.push({ ...part, indices });
    }
    return { selection: selected.length === 0 ? undefined : new Selection(selected), lacking };
  }

  async #order(holder: Uint8Array, cycle: CycleState, signal: AbortSignal): Promise<CycleRanks> {
    const key = `${toHex(holder)} ${toHex(cycle.seed)}`;
    const known = this.#orders.get(key);
    if (known?.covers(cycle.rank)) return known;
    const order = await this.#drawnUp(holder, cycle, signal);
    this.#orders.set(key, order, order.size);
    return order;
  }

  /** The segments that follow in the cycle, whether audited or not: that is looked up when it is their turn. */
  async #drawnUp(holder: Uint8Array, { seed, rank: after }: CycleState, signal: AbortSignal): Promise<CycleRanks> {
    let ranked: Ranked[] = [];
    let complete = true;
    const keepLowest = () => {
      ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
      if (ranked.length <= KEPT_OF_HOLDER) return;
      ranked = ranked.slice(0, KEPT_OF_HOLDER);
      complete = false;
    };
    let seen = 0;
    for await (const { root, segment } of this.#deps.receipts.segmentsOf(holder, signal)) {
      if (++seen % TURN === 0) await nextTurn();
      signal.throwIfAborted();
      const rank = rankOf(seed, root, segment);
      if (rank >= after) ranked.push({ rank, root, segment });
      if (ranked.length === 2 * KEPT_OF_HOLDER) keepLowest();
    }
    keepLowest();
    return new CycleRanks(after, ranked, complete);
  }

  #auditing(holder: Uint8Array, { number }: CycleState): (root: CID) => Promise<boolean> {
    const { self, watched } = this.#deps;
    return oncePerRoot(async (root) => {
      if (await watched.audits(root)) return true;
      return isRareTurn(number, self, holder, root) && watched.has(root);
    });
  }

  /** `gone`: the holder answers for it no more. */
  async #part(holder: Uint8Array, root: CID, segmentCid: CID, seek: Seek): Promise<SelectedPart | 'gone' | Missing> {
    if (this.#deps.unusable.has(root, segmentCid)) return 'gone';
    const receipt = await this.#receipt(holder, root, segmentCid);
    if (receipt === undefined) return 'gone';
    const segment = await seek(root, segmentCid);
    return typeof segment === 'string' ? segment : { receipt, segment, indices: coveredIndices(receipt, segment) };
  }

  async #receipt(holder: Uint8Array, root: CID, segment: CID): Promise<StoreReceipt | undefined> {
    try {
      const receipt = await this.#deps.receipts.get(root, segment, holder);
      return receipt === undefined || isExpired(receipt, this.#deps.clock.now()) ? undefined : receipt;
    } catch (error) {
      // One damaged record must not keep all else of this holder from being audited.
      if (isDamagedRecord(error)) return undefined;
      throw error;
    }
  }
}

/** One look for each object, as long as it comes in a row. */
function oncePerRoot(look: (root: CID) => Promise<boolean>): (root: CID) => Promise<boolean> {
  let last: { readonly root: CID; readonly found: boolean } | undefined;
  return async (root) => {
    if (last === undefined || !last.root.equals(root)) last = { root, found: await look(root) };
    return last.found;
  };
}

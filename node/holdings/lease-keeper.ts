import type { CID } from 'multiformats/cid';
import { bitmapCount, bitmapIndices, bitmapOf } from '../../protocol/bitmap.ts';
import { MAX_CLOCK_SKEW_MS } from '../../protocol/constants.ts';
import type { Root } from '../../protocol/manifest.ts';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { withDeadline } from '../network/deadline.ts';
import type { LeaseEnd } from '../store/issued-receipt-store.ts';
import { forEachLimited } from '../transfer/abortable.ts';
import type { CopiesDeps } from './copies.ts';
import { precedingHolders } from './surplus.ts';

export interface LeaseKeeperDeps extends CopiesDeps {
  /** Public key of this node. */
  readonly self: Uint8Array;
  readonly receipts: {
    ends(until: number, signal?: AbortSignal): AsyncIterable<LeaseEnd>;
    get(root: CID, segment: CID): Promise<StoreReceipt | undefined>;
  };
  readonly roots: { root(cid: CID): Promise<Root | undefined> };
  /** Lets go of an object that its owner released while this node was away; whether it did. */
  readonly releases: { obeyed(root: CID, signal: AbortSignal): Promise<boolean> };
  readonly holdings: {
    renew(receipt: StoreReceipt, indices: Uint8Array, signal?: AbortSignal): Promise<StoreReceipt | undefined>;
    /** What `ended` would let go of. */
    leftover(end: LeaseEnd, signal?: AbortSignal): Promise<Uint8Array>;
    ended(end: LeaseEnd, signal?: AbortSignal): Promise<void>;
    idsOf(segment: CID): Promise<ReadonlyMap<number, Uint8Array>>;
  };
  /** How long a promise lasts, milliseconds. */
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told of promises that were given again, and of those that ended. */
  readonly onRenewed?: (receipt: StoreReceipt) => void;
  readonly onEnded?: (end: LeaseEnd) => void;
}

/** Renewal begins when this share of the lease is left: time for several tries, and for others to repair when all fail. */
const RENEW_SHARE = 1 / 3;
/** Who cannot find out in time whether a promise is needed gives it again when this share of the lease is left. */
const UNASKED_SHARE = 1 / 6;
/** Promises looked after at a time, and how long one may take: peers that stall must not hold up the others. */
const CONCURRENCY = 8;
const LOOK_TIMEOUT_MS = 5 * 60_000;
/** Ends read ahead. */
const BATCH = 256;
/** A promise is looked after often enough in that time, but never more often than every second. */
const LOOKS_PER_LEASE = 60;
const MIN_LOOK_MS = 1_000;
const MAX_LOOK_MS = 60 * 60 * 1000;
const SETTLE_MS = 60_000;
/** What nobody needs from this node is looked at again this often before it ends. */
const AGAIN_PER_LEASE = 30;
/** Remembered looks; beyond that some come early. */
const MAX_LOOKED = 65_536;

/**
 * Keeps promises that end: renews by itself what is still needed from this node, and lets go of the rest when its time is
 * over. Nobody has to ask for it: a file whose owner is gone for good stays as long as somebody guards it.
 */
export class LeaseKeeper {
  readonly #deps: LeaseKeeperDeps;
  /** When promises were last looked at, monotonic. */
  readonly #looked = new Map<string, number>();
  #stopping: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(deps: LeaseKeeperDeps) {
    this.#deps = deps;
  }

  start(): void {
    if (this.#stopping !== undefined) return;
    this.#stopping = new AbortController();
    this.#running = this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping?.abort(new DOMException('the node is stopping', 'AbortError'));
    await this.#running;
    this.#stopping = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log, leaseMs } = this.#deps;
    let pause = Math.min(SETTLE_MS, leaseMs / LOOKS_PER_LEASE);
    while (!signal.aborted) {
      await clock.sleep(pause, signal).catch(() => undefined);
      if (signal.aborted) return;
      // What came due while this node was off is not left waiting; peers are met first.
      pause = Math.min(MAX_LOOK_MS, Math.max(MIN_LOOK_MS, leaseMs / LOOKS_PER_LEASE));
      try {
        await this.#round(signal);
      } catch (error) {
        if (!signal.aborted) log.warn('promises that end were not looked after', { reason: String(error) });
      }
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { receipts, clock, leaseMs } = this.#deps;
    let batch: LeaseEnd[] = [];
    const look = () => forEachLimited(batch, CONCURRENCY, (end) => this.#tryLook(end, signal));
    for await (const end of receipts.ends(clock.now() + leaseMs * RENEW_SHARE, signal)) {
      batch.push(end);
      if (batch.length < BATCH) continue;
      await look();
      batch = [];
    }
    await look();
  }

  async #tryLook(end: LeaseEnd, signal: AbortSignal): Promise<void> {
    try {
      await this.#look(end, signal);
    } catch (error) {
      signal.throwIfAborted();
      // The others must not wait for it; it is tried again in the next round.
      this.#deps.log.warn('a promise that ends was not looked after', {
        root: end.root.toString(),
        segment: end.segment.toString(),
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }

  async #look(end: LeaseEnd, signal: AbortSignal): Promise<void> {
    const { receipts, clock } = this.#deps;
    const { root, segment, at } = end;
    const now = clock.now();
    // Others may believe for as long as their clocks are behind that it still stands.
    const over = at + MAX_CLOCK_SKEW_MS <= now;
    const receipt = await receipts.get(root, segment);
    if (receipt?.expiresAt !== at) {
      if (over) await this.#superseded(end, receipt, signal);
      return;
    }
    if (at - now > (at - receipt.issuedAt) * RENEW_SHARE) return;
    if (!over && !this.#isDue(end)) return;
    const late = at - now <= (at - receipt.issuedAt) * UNASKED_SHARE;
    const needed = await this.#needed(receipt, over, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      if (!late) throw error;
      return receipt.indices;
    });
    if (bitmapCount(needed) > 0) {
      if (await this.#isReleased(root, signal)) return;
      const renewed = await this.#deps.holdings.renew(receipt, needed, signal);
      if (renewed !== undefined) return this.#deps.onRenewed?.(renewed);
      // Something else was promised meanwhile, and the next round looks again; or a crash came between here and its receipt.
      if (bitmapCount(await this.#deps.holdings.leftover(end, signal)) > 0) return;
    }
    if (!over) return;
    await this.#deps.holdings.ended(end, signal);
    this.#looked.delete(nameOf(end));
    this.#deps.onEnded?.(end);
  }

  /** Who cannot find out goes on. @throws the signal's reason */
  async #isReleased(root: CID, signal: AbortSignal): Promise<boolean> {
    const { releases, clock } = this.#deps;
    try {
      return await withDeadline(clock, LOOK_TIMEOUT_MS, signal, (limited) => releases.obeyed(root, limited));
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }

  /** A later promise took its place; what that does not cover goes, unless it has come to be needed meanwhile. */
  async #superseded(end: LeaseEnd, newest: StoreReceipt | undefined, signal: AbortSignal): Promise<void> {
    const { holdings } = this.#deps;
    const leftover = await holdings.leftover(end, signal);
    if (newest !== undefined && bitmapCount(leftover) > 0) {
      const needed = await this.#needed({ ...newest, indices: leftover }, true, signal);
      if (bitmapCount(needed) > 0) {
        const all = bitmapOf([...bitmapIndices(newest.indices), ...bitmapIndices(needed)]);
        const renewed = await holdings.renew(newest, all, signal);
        // Something else was promised meanwhile: the next round looks again.
        if (renewed === undefined) return;
        this.#deps.onRenewed?.(renewed);
      }
    }
    await holdings.ended(end, signal);
  }

  /**
   * The shards for which nobody else is there, as a bitmap. What others say is enough to wait; before a promise ends, for all
   * shards or for some, their copies are read.
   */
  async #needed(
    { root: cid, segment, indices }: StoreReceipt,
    over: boolean,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const root = await this.#deps.roots.root(cid);
    // Without its manifest nobody can be asked: what is kept stays.
    if (root === undefined) return indices;
    const { others: directory, clock } = this.#deps;
    const others = await withDeadline(clock, LOOK_TIMEOUT_MS, signal, (limited) =>
      directory.ofSegment(cid, root, segment, limited),
    );
    const preceding = precedingHolders(cid, this.#deps.self, others);
    const own = bitmapIndices(indices);
    const claimed = new Set(preceding.flatMap((holder) => bitmapIndices(holder.indices)));
    const surplus = own.filter((index) => claimed.has(index));
    if (surplus.length === 0 || (surplus.length === own.length && !over)) {
      return bitmapOf(own.filter((index) => !claimed.has(index)));
    }
    const known = await this.#deps.holdings.idsOf(segment);
    const ids = new Map([...known].filter(([index]) => claimed.has(index) && own.includes(index)));
    const confirmed = await this.#deps.copies.confirmed(segment, ids, preceding, signal);
    return bitmapOf(own.filter((index) => !confirmed.has(index)));
  }

  #isDue(end: LeaseEnd): boolean {
    const now = this.#deps.clock.monotonic();
    const name = nameOf(end);
    const last = this.#looked.get(name);
    if (last !== undefined && now < last + this.#deps.leaseMs / AGAIN_PER_LEASE) return false;
    if (this.#looked.size >= MAX_LOOKED) this.#looked.clear();
    this.#looked.set(name, now);
    return true;
  }
}

const nameOf = ({ at, root, segment }: LeaseEnd): string => `${at} ${root} ${segment}`;

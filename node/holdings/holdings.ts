import type { CID } from 'multiformats/cid';
import { bitmapIndices, bitmapOf, isSubsetOf } from '../../protocol/bitmap.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { decodeRoot } from '../../protocol/manifest.ts';
import type { Release } from '../../protocol/release.ts';
import type { Signer } from '../../protocol/signature.ts';
import { isExpired, type StoreReceipt, signStoreReceipt } from '../../protocol/store-receipt.ts';
import type { Clock } from '../clock.ts';
import { KeyedLock } from '../keyed-lock.ts';
import type { Logger } from '../log.ts';
import { isDamagedRecord, type ShardEntry } from '../store/errors.ts';
import type { LeaseEnd } from '../store/issued-receipt-store.ts';
import type { ShardReference } from '../store/shard-types.ts';
import { STAGED_MAX_MS } from '../store/staged-claim.ts';
import { WeightedCache } from '../weighted-cache.ts';
import { HoldingsError } from './holdings-error.ts';
import type { KeptObject, KeptPart } from './kept-object.ts';

export interface HoldingsDeps {
  readonly network: Uint8Array;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly shards: {
    referencesIn(segment: CID, signal?: AbortSignal): AsyncIterable<ShardReference>;
    referencesOf(root: CID, segment?: CID, signal?: AbortSignal): AsyncIterable<ShardReference>;
    reference(owner: string, root: CID, segment: CID, entries: readonly ShardEntry[], stagedBy: string): Promise<void>;
    release(root: CID, signal?: AbortSignal): Promise<unknown>;
    releaseSegment(root: CID, segment: CID, keep: ReadonlySet<number>): Promise<unknown>;
    hasMany(ids: readonly Uint8Array[]): Promise<boolean[]>;
    markDamaged(id: Uint8Array): Promise<boolean>;
  };
  readonly manifests: {
    putRoot(cid: CID, bytes: Uint8Array, chargedTo: string): Promise<void>;
    putSegment(root: CID, cid: CID, bytes: Uint8Array): Promise<void>;
    removeRoot(root: CID): Promise<void>;
    removeSegment(root: CID, segment: CID): Promise<void>;
    hasRoot(root: CID): Promise<boolean>;
    get(cid: CID): Promise<Uint8Array | undefined>;
    roots(options: { signal?: AbortSignal }): AsyncIterable<CID>;
    keptSince(root: CID): Promise<number | undefined>;
    segmentsOf(root: CID, signal?: AbortSignal): AsyncIterable<CID>;
  };
  /** Receipts that this node signed. */
  readonly receipts: {
    get(root: CID, segment: CID): Promise<StoreReceipt | undefined>;
    put(receipt: StoreReceipt): Promise<void>;
    scan(options: { root: CID }): AsyncIterable<StoreReceipt>;
    removeRoot(root: CID): Promise<void>;
    endsOf(root: CID, segment: CID, after: number): AsyncIterable<{ at: number; indices: Uint8Array | undefined }>;
    removeEnd(end: LeaseEnd, options: { readonly receipt: boolean }): Promise<void>;
  };
  /** For how long this node promises what it may be alone to know of, milliseconds. */
  readonly leaseMs: number;
  readonly releases: {
    isReleased(root: CID): Promise<boolean>;
    put(release: Release): Promise<void>;
    received(signal?: AbortSignal): AsyncIterable<Release>;
  };
  /** Whether an object is one of this node's own files. */
  readonly isOwn: (root: CID) => Promise<boolean>;
  /** Told of roots that this node begins and ceases to answer for. */
  readonly onKept: (root: CID) => void;
  readonly onReleased: (root: CID) => void;
  readonly log: Logger;
}

/** Looked-up references: about 200 bytes each. A download asks for the shards of a segment in several calls. */
const IDS_CACHE_BYTES = 8 * 1024 * 1024;
const BYTES_PER_ID = 200;
const NOTHING = new Uint8Array(0);
/** What a crash left behind is gone through at the start; a damaged record may be met at any time. */
const SWEEP_EVERY_MS = 24 * 60 * 60 * 1000;

/** What this node holds for others, across the stores that know about it. */
export class Holdings {
  readonly #deps: HoldingsDeps;
  /** One object at a time: two receipts must not forget each other's shards, a release must find all that was kept. */
  readonly #locks = new KeyedLock();
  readonly #ids = new WeightedCache<ReadonlyMap<number, Uint8Array>>(IDS_CACHE_BYTES);
  /** Rises with every change, so that what was read before it is not remembered after it. */
  #changes = 0;

  #stopping: AbortController | undefined;
  #recovering: Promise<void> = Promise.resolve();

  constructor(deps: HoldingsDeps) {
    this.#deps = deps;
  }

  /** Finishes releases that a crash interrupted; promises that it interrupted are finished in the background. */
  async start(): Promise<void> {
    if (this.#stopping !== undefined) return;
    const { releases, manifests } = this.#deps;
    for await (const { root } of releases.received()) if (await manifests.hasRoot(root)) await this.#letGo(root);
    this.#stopping = new AbortController();
    const { signal } = this.#stopping;
    this.#recovering = this.#sweep(signal);
  }

  async stop(): Promise<void> {
    this.#stopping?.abort(new DOMException('the node is stopping', 'AbortError'));
    await this.#recovering;
    this.#stopping = undefined;
  }

  /** Roots of which this node has promised to keep something. */
  async *roots(signal: AbortSignal): AsyncGenerator<CID> {
    for await (const root of this.#deps.manifests.roots({ signal })) if (await this.#isPromised(root)) yield root;
  }

  /**
   * Promises to keep shards that were staged and checked; durable on return. Idempotent. One receipt per part, in their
   * order; it also covers what was promised of the segment before.
   * @throws HoldingsError released; StoreError not-held, quota-exceeded, disk-full; the signal's reason.
   */
  keep(object: KeptObject, parts: readonly KeptPart[], signal?: AbortSignal): Promise<StoreReceipt[]> {
    const { releases, manifests, onKept } = this.#deps;
    return this.#locks.run(object.cid.toString(), signal, async () => {
      if (await releases.isReleased(object.cid)) {
        throw new HoldingsError(
          { code: 'released', root: object.cid.toString() },
          `${object.cid} was released by its owner`,
        );
      }
      const known = await this.#isPromised(object.cid);
      try {
        await manifests.putRoot(object.cid, object.bytes, object.owner);
        const receipts: StoreReceipt[] = [];
        for (const part of parts) receipts.push(await this.#keepPart(object, part));
        if (!known) onKept(object.cid);
        return receipts;
      } catch (error) {
        if (!(await this.#isPromised(object.cid))) await manifests.removeRoot(object.cid);
        throw error;
      }
    });
  }

  /** The shards of a segment in the newest receipt of this node, also of one that lapsed and was not let go, as a bitmap. */
  async promised(root: CID, segment: CID): Promise<Uint8Array> {
    return (await this.#deps.receipts.get(root, segment))?.indices ?? NOTHING;
  }

  /** Ids of the shards of a segment that this node answers for, by index. */
  async idsOf(segment: CID): Promise<ReadonlyMap<number, Uint8Array>> {
    const known = this.#ids.get(segment.toString());
    if (known !== undefined) return known;
    const before = this.#changes;
    const ids = new Map<number, Uint8Array>();
    for await (const { index, id } of this.#deps.shards.referencesIn(segment)) ids.set(index, id);
    if (this.#changes === before && ids.size > 0) this.#ids.set(segment.toString(), ids, ids.size * BYTES_PER_ID);
    return ids;
  }

  /** The shards that a receipt covers and that are here now, as a bitmap. */
  async present({ root, segment, indices }: Pick<StoreReceipt, 'root' | 'segment' | 'indices'>): Promise<Uint8Array> {
    const held = await this.#referenced(root, segment, indices);
    const here = await this.#deps.shards.hasMany(held.map(({ id }) => id));
    return bitmapOf(held.flatMap(({ index }, i) => (here[i] ? [index] : [])));
  }

  /** The release first: a crash in between must not leave a loss that nothing excuses. Durable on return. */
  release(release: Release, signal?: AbortSignal): Promise<void> {
    return this.#locks.run(release.root.toString(), signal, async () => {
      await this.#deps.releases.put(release);
      await this.#letGo(release.root);
    });
  }

  /**
   * Promises shards of a segment for longer: `indices` are those that are still needed, of `receipt` or left over from before
   * it. What it covers beside them stays until it ends. Undefined when the receipt no longer is the newest one, the promise
   * would not end later, or none of them is here any more.
   */
  renew(receipt: StoreReceipt, indices: Uint8Array, signal?: AbortSignal): Promise<StoreReceipt | undefined> {
    const { root, segment, owner } = receipt;
    return this.#locks.run(root.toString(), signal, async () => {
      const until = this.#deps.clock.now() + this.#deps.leaseMs;
      const expiresAt = receipt.expiresAt === 0 ? 0 : until;
      const newest = await this.#deps.receipts.get(root, segment);
      if (newest?.expiresAt !== receipt.expiresAt || until <= receipt.expiresAt) return undefined;
      if (!equalBytes(newest.indices, receipt.indices) || (await this.#deps.releases.isReleased(root)))
        return undefined;
      const here = await this.#referenced(root, segment, indices);
      return here.length === 0
        ? undefined
        : this.#promise({ owner, root, segment, indices: bitmapOf(here.map(({ index }) => index)), expiresAt });
    });
  }

  /** The shards here that only a promise covers which has ended, as a bitmap: what `ended` lets go of. */
  leftover(end: LeaseEnd, signal?: AbortSignal): Promise<Uint8Array> {
    const { root, segment } = end;
    return this.#locks.run(root.toString(), signal, async () => {
      const newest = await this.#deps.receipts.get(root, segment);
      const kept = newest === undefined ? undefined : await this.#coveredBeyond(end, newest);
      if (kept === undefined) return NOTHING;
      const left: number[] = [];
      for await (const { index } of this.#deps.shards.referencesOf(root, segment))
        if (!kept.has(index)) left.push(index);
      return bitmapOf(left);
    });
  }

  /** Lets go of what only a promise covers that has ended. Does nothing before the end; to be repeated after a crash. */
  ended(end: LeaseEnd, signal?: AbortSignal): Promise<void> {
    const { root, segment, at } = end;
    const { receipts, shards, manifests, clock, onReleased } = this.#deps;
    return this.#locks.run(root.toString(), signal, async () => {
      if (at > clock.now()) return;
      const newest = await receipts.get(root, segment);
      if (newest === undefined) return receipts.removeEnd(end, { receipt: false });
      const kept = await this.#coveredBeyond(end, newest);
      // Another promise stands and does not say for what: its own end decides.
      if (kept === undefined) return receipts.removeEnd(end, { receipt: false });
      try {
        await shards.releaseSegment(root, segment, kept);
      } finally {
        this.#changes++;
        this.#ids.delete(segment.toString());
      }
      const over = kept.size === 0;
      if (over) await manifests.removeSegment(root, segment);
      // The receipt last: until then an interrupted end is found again.
      await receipts.removeEnd(end, { receipt: over });
      if (!over || (await this.#isPromised(root))) return;
      await manifests.removeRoot(root);
      onReleased(root);
    });
  }

  /** Resolves when no promise about the object is being made or withdrawn. */
  settled(root: CID, signal?: AbortSignal): Promise<void> {
    return this.#locks.run(root.toString(), signal, async () => undefined);
  }

  /** A shard whose bytes turned out to be wrong: declared lost from now on. */
  damaged(id: Uint8Array): void {
    const { shards, log } = this.#deps;
    log.error('a stored shard is damaged and declared lost', { shard: Buffer.from(id).toString('hex') });
    shards.markDamaged(id).catch((error: unknown) => {
      log.warn('a damaged shard was not noted', { reason: error instanceof Error ? error.message : String(error) });
    });
  }

  /** What promises that end later cover; undefined when one of them cannot be read. */
  async #coveredBeyond({ root, segment, at }: LeaseEnd, newest: StoreReceipt): Promise<Set<number> | undefined> {
    const stands = newest.expiresAt === 0 || newest.expiresAt > at;
    const covered = new Set(stands ? bitmapIndices(newest.indices) : []);
    for await (const { indices } of this.#deps.receipts.endsOf(root, segment, at)) {
      if (indices === undefined) return undefined;
      for (const index of bitmapIndices(indices)) covered.add(index);
    }
    return covered;
  }

  /** Those of `indices` that are referenced: without what an end that a crash interrupted has let go of. */
  async #referenced(root: CID, segment: CID, indices: Uint8Array): Promise<ShardEntry[]> {
    const asked = new Set(bitmapIndices(indices));
    const referenced: ShardEntry[] = [];
    for await (const { index, id } of this.#deps.shards.referencesOf(root, segment))
      if (asked.has(index)) referenced.push({ index, id });
    return referenced;
  }

  async #isPromised(root: CID): Promise<boolean> {
    for await (const _ of this.#deps.receipts.scan({ root })) return true;
    return false;
  }

  /** References before the receipt: a crash in between leaves shards kept for nothing, never a promise without shards. */
  async #keepPart(object: KeptObject, part: KeptPart): Promise<StoreReceipt> {
    const { manifests, shards } = this.#deps;
    const { cid, ownerKey, owner, stagedBy } = object;
    const { segment, indices } = part;
    const issued = await this.#deps.receipts.get(cid, segment);
    const stands = issued !== undefined && !isExpired(issued, this.#deps.clock.now());
    const until = stands ? later(issued.expiresAt, object.until) : object.until;
    // Referenced again even so: a shard that was lost and has been staged anew is stored from here on.
    const lasts = stands && lastsAsWell(issued.expiresAt, until, this.#deps.leaseMs);
    const covered = lasts && isSubsetOf(indices, issued.indices);
    if (!covered) await manifests.putSegment(cid, segment, part.node);
    try {
      await shards.reference(owner, cid, segment, part.entries(), stagedBy);
    } finally {
      this.#changes++;
      this.#ids.delete(segment.toString());
    }
    if (covered) return issued;
    // What lapsed, while this node was off or nobody could be asked, is still here and must not go unasked.
    const before = issued === undefined ? [] : await this.#referenced(cid, segment, issued.indices);
    const all = bitmapOf([...before.map(({ index }) => index), ...bitmapIndices(indices)]);
    return this.#promise({ owner: ownerKey, root: cid, segment, indices: all, expiresAt: until });
  }

  async #promise(
    promise: Pick<StoreReceipt, 'owner' | 'root' | 'segment' | 'indices' | 'expiresAt'>,
  ): Promise<StoreReceipt> {
    const { network, signer, clock, receipts } = this.#deps;
    const unsigned = { network, holder: signer.publicKey, ...promise, issuedAt: clock.now() };
    const receipt = signStoreReceipt(unsigned, signer);
    await receipts.put(receipt);
    return receipt;
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    while (!signal.aborted) {
      await this.#recover(signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn('interrupted promises were not finished', { reason: String(error) });
      });
      await clock.sleep(SWEEP_EVERY_MS, signal).catch(() => undefined);
    }
  }

  /** After a crash: signs for shards that were referenced already, forgets manifests of which nothing is kept. */
  async #recover(signal: AbortSignal): Promise<void> {
    const { manifests, log } = this.#deps;
    for await (const cid of manifests.roots({ signal })) {
      const root = cid.toString();
      try {
        await this.#locks.run(root, signal, () => this.#recoverRoot(cid, signal));
      } catch (error) {
        // The others must not wait for it.
        if (!isDamagedRecord(error)) throw error;
        log.warn('interrupted promises of an object were not finished', { root, reason: error.message });
      }
    }
  }

  async #recoverRoot(cid: CID, signal: AbortSignal): Promise<void> {
    const { manifests, signer } = this.#deps;
    const bytes = await manifests.get(cid);
    const owner = bytes === undefined ? signer.publicKey : decodeRoot(bytes).owner;
    if (equalBytes(owner, signer.publicKey)) {
      if (await this.#isAbandoned(cid)) await manifests.removeRoot(cid);
      return;
    }
    await this.#recoverReceipts(cid, owner, signal);
    if (!(await this.#isPromised(cid))) await manifests.removeRoot(cid);
  }

  /** An own object that was never acknowledged, and whose upload can go on no more. */
  async #isAbandoned(root: CID): Promise<boolean> {
    const { manifests, clock, isOwn } = this.#deps;
    const since = await manifests.keptSince(root);
    if (since === undefined || clock.now() <= since + STAGED_MAX_MS) return false;
    return !(await isOwn(root)) && !(await this.#isPromised(root));
  }

  async #recoverReceipts(root: CID, owner: Uint8Array, signal: AbortSignal): Promise<void> {
    const { manifests, receipts, shards, clock, leaseMs } = this.#deps;
    for await (const segment of manifests.segmentsOf(root, signal)) {
      // One that is damaged serves nobody: what it covered is promised anew.
      if (await receipts.get(root, segment).catch(undefinedIfDamaged)) continue;
      const indices: number[] = [];
      for await (const { index } of shards.referencesOf(root, segment, signal)) indices.push(index);
      if (indices.length === 0) continue;
      // Whoever was to get the receipt asks again; until then nobody may know of this one.
      const expiresAt = clock.now() + leaseMs;
      await this.#promise({ owner, root, segment, indices: bitmapOf(indices), expiresAt });
    }
  }

  async #letGo(root: CID): Promise<void> {
    const { shards, receipts, manifests, onReleased } = this.#deps;
    const segments = new Set<string>();
    for await (const { segment } of receipts.scan({ root })) segments.add(segment.toString());
    await shards.release(root);
    this.#changes++;
    for (const segment of segments) this.#ids.delete(segment);
    await receipts.removeRoot(root);
    // Last: while the root is kept, an interrupted release is found again.
    await manifests.removeRoot(root);
    onReleased(root);
  }
}

function undefinedIfDamaged(error: unknown): undefined {
  if (!isDamagedRecord(error)) throw error;
}

/** Anybody may ask for a later end: it is given once a third of the lease is over, not at every request. */
function lastsAsWell(issued: number, asked: number, leaseMs: number): boolean {
  return asked === issued || (asked !== 0 && issued !== 0 && asked - issued < leaseMs / 3);
}

/** The later of two ends of promises, of which 0 is the latest: nobody shortens what another was promised. */
function later(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : Math.max(a, b);
}

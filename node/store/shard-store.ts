import type { CID } from 'multiformats/cid';
import { u64 } from '../../protocol/bytes.ts';
import type { Clock } from '../clock.ts';
import { isShard } from '../shard-id.ts';
import { sealValue } from './checked-value.ts';
import type { Database } from './database.ts';
import type { DiskGuard } from './disk-guard.ts';
import { type ShardEntry, StoreError } from './errors.ts';
import { prefixRange } from './key-codec.ts';
import { isCorruption } from './level-errors.ts';
import { addReferences, referencesIn, referencesOf, releaseReferences, releaseSegment } from './references.ts';
import { type ShardContext, WantedShards } from './shard-context.ts';
import {
  bytesKey,
  damagedKey,
  namespacePrefix,
  presentKey,
  reversePrefix,
  SHARD_NAMESPACES,
  trashKey,
} from './shard-keys.ts';
import { collectOrphans, countTotals, damagedIds, recountSpace, shardIds } from './shard-scan.ts';
import type { ShardReader, ShardReference, StageTicket, StoreUsage } from './shard-types.ts';
import { SpaceLedger, type SpaceLimits, type Totals } from './space-ledger.ts';
import { sweepStaged } from './staged-sweep.ts';
import { stageShards } from './staging.ts';
import { type StoredPage, storedPage } from './stored-page.ts';
import { emptyTrash, takingBackAll } from './trash.ts';
import { TrashClock } from './trash-clock.ts';
import { UploadLedger } from './upload-ledger.ts';
import type { Operation } from './write-queue.ts';

export interface ShardStoreOptions extends SpaceLimits {
  readonly database: Database;
  readonly disk: DiskGuard;
  readonly clock: Clock;
  /** How long shards that nothing holds any more stay, milliseconds; 0: not at all. */
  readonly trashTimeMs: number;
}

/**
 * The shards this node holds for others: bytes, who staged them, which objects refer to them, and exact space counters,
 * all in one database, each change in one synced batch. Shards are checked against their id at every read.
 */
export class ShardStore implements ShardReader {
  readonly #context: ShardContext;

  static async open(options: ShardStoreOptions): Promise<ShardStore> {
    const { database, disk, clock } = options;
    const ledger = new SpaceLedger(options);
    const uploads = new UploadLedger(options.quota.stagedBytesPerPeer);
    const wanted = new WantedShards();
    const trash = { timeMs: options.trashTimeMs, any: false, clock: await TrashClock.open(database, clock) };
    const context: ShardContext = { database, ledger, uploads, disk, clock, wanted, damage: { any: false }, trash };
    const load = async (): Promise<boolean> => {
      await uploads.load(database);
      const whole = await ledger.load(database);
      // The counter may be of a version without trash.
      const [counted] = (await database.page(prefixRange(namespacePrefix(SHARD_NAMESPACES.trash)), 1)).entries;
      trash.any = counted !== undefined;
      return whole;
    };
    database.attach({
      seal: () => ledger.seal(),
      settle: (ok) => {
        ledger.settle(ok);
        uploads.settle(ok);
        wanted.looks.settle();
      },
      reopened: async () => {
        wanted.reset();
        if (!(await load())) ledger.replace(await countTotals(context));
      },
    });
    if (!(await load())) await recountSpace(context);
    for await (const _ of damagedIds(context)) {
      context.damage.any = true;
      break;
    }
    return new ShardStore(context);
  }

  private constructor(context: ShardContext) {
    this.#context = context;
  }

  /**
   * Begins to take up to 256 shards from `owner`. Space and quotas are charged now.
   * @throws StoreError `no-space`, `quota-exceeded`, `disk-full`.
   */
  stage(owner: string, upload: Uint8Array, ids: readonly Uint8Array[]): Promise<StageTicket> {
    return stageShards(this.#context, owner, upload, ids);
  }

  async get(id: Uint8Array, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    signal?.throwIfAborted();
    const bytes = await this.#read(id);
    signal?.throwIfAborted();
    if (bytes === 'corrupt' || (bytes !== undefined && !isShard(id, bytes))) {
      throw new StoreError({ code: 'damaged', id });
    }
    return bytes;
  }

  /** Whether the bytes are here and not in the trash; they are not checked. */
  async has(id: Uint8Array): Promise<boolean> {
    const [held] = await this.hasMany([id]);
    return held === true;
  }

  /** The same for many, in their order. */
  async hasMany(ids: readonly Uint8Array[]): Promise<boolean[]> {
    const { database, trash } = this.#context;
    const trashed = trash.any ? await database.hasMany(ids.map(trashKey)) : [];
    const held = await database.hasMany(ids.map(bytesKey));
    return held.map((here, i) => here && trashed[i] !== true);
  }

  /** The ids of all shards present, ascending, those in the trash included. */
  ids(signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return shardIds(this.#context, signal);
  }

  /** A page of the ids of all shards that are here or should be, for whoever reads them all; see `storedPage`. */
  storedAfter(after: Uint8Array | undefined): Promise<StoredPage> {
    return storedPage(this.#context, after);
  }

  /**
   * What was staged (by the owner, or by `stagedBy`) becomes stored for `segment` of `root`, charged to the owner.
   * Idempotent, one synced batch.
   * @throws StoreError `not-held` {missing}, `quota-exceeded`.
   */
  reference(
    owner: string,
    root: CID,
    segment: CID,
    entries: readonly ShardEntry[],
    stagedBy: string = owner,
  ): Promise<void> {
    return addReferences(this.#context, owner, root, segment, entries, stagedBy);
  }

  /** The references of an object (of one of its segments, when given), by segment CID and index. */
  referencesOf(root: CID, segment?: CID, signal?: AbortSignal): AsyncIterable<ShardReference> {
    return referencesOf(this.#context, root, segment, signal);
  }

  /** The references in a segment, over all objects that contain it. */
  referencesIn(segment: CID, signal?: AbortSignal): AsyncIterable<ShardReference> {
    return referencesIn(this.#context, segment, signal);
  }

  /** The shard ids referenced in a segment, by index. */
  async idsOf(segment: CID, signal?: AbortSignal): Promise<ReadonlyMap<number, Uint8Array>> {
    const ids = new Map<number, Uint8Array>();
    for await (const { index, id } of this.referencesIn(segment, signal)) ids.set(index, id);
    return ids;
  }

  /** Drops all references of an object; what nothing else holds goes to the trash. Idempotent; after a crash, call it again. */
  async release(root: CID, signal?: AbortSignal): Promise<{ freedBytes: number }> {
    const { freedBytes, recount } = await releaseReferences(this.#context, root, signal);
    if (recount) await this.recount();
    return { freedBytes };
  }

  /** The same for one segment of an object, less the indices to keep. */
  async releaseSegment(
    root: CID,
    segment: CID,
    keep: ReadonlySet<number> = new Set(),
    signal?: AbortSignal,
  ): Promise<{ freedBytes: number }> {
    const { freedBytes, recount } = await releaseSegment(this.#context, root, segment, keep, signal);
    if (recount) await this.recount();
    return { freedBytes };
  }

  /**
   * Looks at a shard again and, when it is damaged or gone, removes the bytes and notes the loss; references stay, so that
   * audits can declare it, and a later `stage` takes the shard anew. Returns false when the shard is whole or unknown.
   */
  markDamaged(id: Uint8Array): Promise<boolean> {
    const { database, ledger, wanted, clock, damage } = this.#context;
    return database.transaction(async () => {
      const bytes = await this.#read(id);
      if (bytes instanceof Uint8Array && isShard(id, bytes)) return { operations: [], result: false };
      const [counted] = await database.hasMany([presentKey(id)]);
      const { entries } = await database.page(prefixRange(reversePrefix(id)), 1);
      if (bytes === undefined && !counted && entries.length === 0) return { operations: [], result: false };
      const key = damagedKey(id);
      const operations: Operation[] = [
        { type: 'del', key: bytesKey(id) },
        { type: 'del', key: presentKey(id) },
      ];
      if (entries.length > 0) {
        damage.any = true;
        operations.push({ type: 'put', key, value: sealValue(key, u64(clock.now())) });
      }
      operations.push(...(await takingBackAll(this.#context, [id])));
      if (counted) ledger.addShards(-1);
      wanted.removed(id, entries.length > 0);
      return { operations, result: true };
    });
  }

  /** The referenced shards known to be lost, ascending. */
  damaged(signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return damagedIds(this.#context, signal);
  }

  /** Space now, from counters in memory. */
  usage(): StoreUsage {
    return this.#context.ledger.usage();
  }

  /** Ends staging that was silent for an hour or is seven days old. */
  sweepStaged(now = this.#context.clock.now(), signal?: AbortSignal): Promise<{ claims: number; freedBytes: number }> {
    return sweepStaged(this.#context, now, signal);
  }

  /** Puts shards that nothing refers to into the trash. Returns their bytes. */
  collectOrphans(signal?: AbortSignal): Promise<number> {
    return collectOrphans(this.#context, signal);
  }

  /** Deletes what has been in the trash for as long as it should. Returns the bytes freed. */
  emptyTrash(signal?: AbortSignal): Promise<number> {
    return emptyTrash(this.#context, signal);
  }

  /** Counts everything from the records, without changing anything. */
  countTotals(signal?: AbortSignal): Promise<Totals> {
    return countTotals(this.#context, signal);
  }

  /** Counts everything from the records and corrects the counters. Writes wait meanwhile. */
  recount(): Promise<void> {
    return recountSpace(this.#context);
  }

  async #read(id: Uint8Array): Promise<Uint8Array | undefined | 'corrupt'> {
    try {
      return await this.#context.database.get(bytesKey(id));
    } catch (error) {
      if (isCorruption(error)) return 'corrupt';
      throw error;
    }
  }
}

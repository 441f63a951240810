import type { CID } from 'multiformats/cid';
import type { ShardEntry } from './errors.ts';

/** What reads shards: the store itself, or a lab wrapper around it. */
export interface ShardReader {
  /**
   * The 131,072 bytes of a shard, verified against its id; undefined when the bytes are not here. They are the caller's
   * own: it may change them, or give their memory back.
   * @throws StoreError `damaged` when what is stored does not hash to the id.
   */
  get(id: Uint8Array, signal?: AbortSignal): Promise<Uint8Array | undefined>;
}

/** One call of `stage`: space is reserved from here to `commit` or `abort`. */
export interface StageTicket {
  /** Parallel to the ids given: whether the bytes must be sent (false: already here, or a repeated id). */
  readonly wanted: readonly boolean[];
  /**
   * Verifies and queues one wanted shard; resolves when the bounded write queue has taken it (back-pressure), not when it is durable.
   * The bytes must not be changed afterwards. @throws StoreError `hash-mismatch`, `wrong-size`, `unexpected-shard`, `disk-full`.
   */
  put(id: Uint8Array, bytes: Uint8Array): Promise<void>;
  /** Resolves when everything put is synced. @throws StoreError `not-held` when a wanted shard was never put. */
  commit(): Promise<void>;
  /** Gives the reservation back. What was stored stays staged, so that a resumed upload finds it. Idempotent. */
  abort(): void;
}

/** One claim of an object on a shard held here. */
export interface ShardReference extends ShardEntry {
  readonly root: CID;
  readonly segment: CID;
  /** Peer id of the object's owner; undefined when that record is damaged. */
  readonly owner: string | undefined;
}

/** Bytes charged to one peer: each reference and each staged shard counts, also when the bytes are shared. */
export interface OwnerUsage {
  readonly stagedBytes: number;
  readonly storedBytes: number;
  readonly reservedBytes: number;
}

export interface StoreUsage {
  readonly capacityBytes: number;
  /** Bytes of the shards that something holds, each once. */
  readonly usedBytes: number;
  /** Bytes of the shards that nothing holds any more; they go after a while, or as soon as their room is needed. */
  readonly trashBytes: number;
  /** Bytes charged to staged shards, over all owners. */
  readonly stagedBytes: number;
  /** Promised to open stage calls, not yet written. */
  readonly reservedBytes: number;
  /** Bytes of the trash count as free. */
  readonly freeBytes: number;
  /** Without those in the trash. */
  readonly shards: number;
  byOwner(owner: string): OwnerUsage;
}

export interface ShardQuota {
  readonly stagedBytesPerPeer: number;
  readonly storedBytesPerPeer: number;
}

import { concat, u64 } from '../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { openValue, sealValue } from './checked-value.ts';
import type { Database } from './database.ts';
import { StoreError } from './errors.ts';
import { peerAt, prefixRange, u64At } from './key-codec.ts';
import { namespacePrefix, ownerCounterKey, SHARD_NAMESPACES, totalKey } from './shard-keys.ts';
import type { OwnerUsage, ShardQuota, StoreUsage } from './shard-types.ts';
import type { Operation } from './write-queue.ts';

/** Counts of shards, each of SHARD_BYTES. */
export interface OwnerCount {
  readonly staged: number;
  readonly stored: number;
}

export interface Totals {
  /** Present, those in the trash included. */
  shards: number;
  trash: number;
  readonly owners: Map<string, OwnerCount>;
}

export interface SpaceLimits {
  readonly capacityBytes: number;
  readonly quota: ShardQuota;
}

/** Shards promised to one open stage call. */
export interface Reservation {
  readonly owner: string;
  /** New shards that need room. */
  space: number;
  /** New claims that count against the owner. */
  claims: number;
}

const COUNT_BYTES = 8;
const NOTHING: OwnerCount = { staged: 0, stored: 0 };

/**
 * Who uses how much. Changes are collected while a batch is built, written in that same batch, and count once it is
 * durable; so the counters survive a crash exactly. Reservations live in memory only: a crash gives them back.
 */
export class SpaceLedger {
  readonly #limits: SpaceLimits;
  #totals: Totals = { shards: 0, trash: 0, owners: new Map() };
  #draftShards = 0;
  #draftTrash = 0;
  readonly #draftOwners = new Map<string, OwnerCount>();
  readonly #reservations = new Set<Reservation>();

  constructor(limits: SpaceLimits) {
    this.#limits = limits;
  }

  /** Reads the counters; false when one is damaged and they must be counted again. */
  async load(database: Database): Promise<boolean> {
    const totals: Totals = { shards: 0, trash: 0, owners: new Map() };
    let whole = true;
    this.#dropDraft();
    for await (const [key, sealed] of database.entries(prefixRange(namespacePrefix(SHARD_NAMESPACES.counter)))) {
      const value = openValue(key, sealed);
      whole &&= value !== undefined;
      if (key.length > totalKey.length) {
        // A damaged one is remembered too, so that a recount replaces it.
        const count = value === undefined ? NOTHING : { staged: u64At(value, 0), stored: u64At(value, 8) };
        totals.owners.set(peerAt(key, 1).peer, count);
      } else if (value !== undefined) {
        totals.shards = u64At(value, 0);
        totals.trash = value.length > COUNT_BYTES ? u64At(value, COUNT_BYTES) : 0;
      }
    }
    this.#totals = totals;
    return whole;
  }

  /** Makes counted totals the current ones; the operations replace what is stored. */
  replace(totals: Totals): Operation[] {
    const owners = new Set([...this.#totals.owners.keys(), ...totals.owners.keys()]);
    this.#totals = totals;
    return [
      totalOperation(totals.shards, totals.trash),
      ...[...owners].map((owner) => ownerOperation(owner, this.#count(owner))),
    ];
  }

  get totals(): Totals {
    const { shards, trash, owners } = this.#totals;
    return { shards, trash, owners: new Map(owners) };
  }

  addTrash(count: number): void {
    this.#draftTrash += count;
  }

  addShards(count: number): void {
    this.#draftShards += count;
  }

  addOwner(owner: string, change: Partial<OwnerCount>): void {
    const { staged, stored } = this.#draftOwners.get(owner) ?? NOTHING;
    this.#draftOwners.set(owner, { staged: staged + (change.staged ?? 0), stored: stored + (change.stored ?? 0) });
  }

  /** The counters as they will be after the batch. */
  seal(): Operation[] {
    const operations: Operation[] = [];
    if (this.#draftShards !== 0 || this.#draftTrash !== 0) operations.push(totalOperation(...this.#next()));
    for (const [owner, change] of this.#draftOwners)
      operations.push(ownerOperation(owner, sum(this.#count(owner), change)));
    return operations;
  }

  settle(ok: boolean): void {
    if (ok) {
      [this.#totals.shards, this.#totals.trash] = this.#next();
      for (const [owner, change] of this.#draftOwners) {
        const next = sum(this.#count(owner), change);
        if (next.staged === 0 && next.stored === 0) this.#totals.owners.delete(owner);
        else this.#totals.owners.set(owner, next);
      }
    }
    this.#dropDraft();
  }

  /** @throws StoreError `no-space`, `quota-exceeded`. */
  reserve(reservation: Reservation): void {
    const { owner, space, claims } = reservation;
    const neededBytes = space * SHARD_BYTES;
    // What the batch takes back from the trash is no longer free.
    const freeBytes = this.#freeBytes(...this.#next());
    if (neededBytes > freeBytes) throw new StoreError({ code: 'no-space', neededBytes, freeBytes });
    const { stagedBytes, storedBytes, reservedBytes } = this.#ownerUsage(owner);
    this.#checkQuota(owner, 'staged', stagedBytes + reservedBytes, claims);
    this.#checkQuota(owner, 'stored', storedBytes + stagedBytes + reservedBytes, claims);
    this.#reservations.add(reservation);
  }

  unreserve(reservation: Reservation): void {
    this.#reservations.delete(reservation);
  }

  /** Shards, promised ones included, for which there is room only when as many leave the trash. */
  excess(): number {
    const [shards] = this.#next();
    return Math.max(0, Math.ceil(shards + this.#reservedShards() - this.#limits.capacityBytes / SHARD_BYTES));
  }

  /** @throws StoreError `quota-exceeded` when `count` more stored shards are too many for the owner. */
  checkStored(owner: string, count: number): void {
    this.#checkQuota(owner, 'stored', this.#count(owner).stored * SHARD_BYTES, count);
  }

  usage(): StoreUsage {
    let staged = 0;
    for (const count of this.#totals.owners.values()) staged += count.staged;
    const { shards, trash } = this.#totals;
    return {
      capacityBytes: this.#limits.capacityBytes,
      usedBytes: (shards - trash) * SHARD_BYTES,
      trashBytes: trash * SHARD_BYTES,
      stagedBytes: staged * SHARD_BYTES,
      reservedBytes: this.#reservedShards() * SHARD_BYTES,
      freeBytes: this.#freeBytes(shards, trash),
      shards: shards - trash,
      byOwner: (owner) => this.#ownerUsage(owner),
    };
  }

  #reservedShards(): number {
    let reserved = 0;
    for (const { space } of this.#reservations) reserved += space;
    return reserved;
  }

  /** The trash makes room as soon as it is needed. */
  #freeBytes(shards: number, trash: number): number {
    const taken = (shards - trash + this.#reservedShards()) * SHARD_BYTES;
    return Math.max(0, this.#limits.capacityBytes - taken);
  }

  #ownerUsage(owner: string): OwnerUsage {
    const { staged, stored } = this.#count(owner);
    let reserved = 0;
    for (const reservation of this.#reservations) if (reservation.owner === owner) reserved += reservation.claims;
    return {
      stagedBytes: staged * SHARD_BYTES,
      storedBytes: stored * SHARD_BYTES,
      reservedBytes: reserved * SHARD_BYTES,
    };
  }

  #checkQuota(owner: string, quota: 'staged' | 'stored', usedBytes: number, count: number): void {
    const limitBytes =
      quota === 'staged' ? this.#limits.quota.stagedBytesPerPeer : this.#limits.quota.storedBytesPerPeer;
    const neededBytes = count * SHARD_BYTES;
    if (count > 0 && usedBytes + neededBytes > limitBytes) {
      throw new StoreError({ code: 'quota-exceeded', owner, quota, neededBytes, usedBytes, limitBytes });
    }
  }

  #count(owner: string): OwnerCount {
    return this.#totals.owners.get(owner) ?? NOTHING;
  }

  /** Present shards and those in the trash as they will be after the batch. */
  #next(): [shards: number, trash: number] {
    const shards = Math.max(0, this.#totals.shards + this.#draftShards);
    return [shards, Math.min(shards, Math.max(0, this.#totals.trash + this.#draftTrash))];
  }

  #dropDraft(): void {
    this.#draftShards = 0;
    this.#draftTrash = 0;
    this.#draftOwners.clear();
  }
}

/** Never below zero: a damaged record can make a count too small, and a recount corrects it. */
const sum = (a: OwnerCount, b: OwnerCount): OwnerCount => ({
  staged: Math.max(0, a.staged + b.staged),
  stored: Math.max(0, a.stored + b.stored),
});

function totalOperation(shards: number, trash: number): Operation {
  return { type: 'put', key: totalKey, value: sealValue(totalKey, concat(u64(shards), u64(trash))) };
}

function ownerOperation(owner: string, { staged, stored }: OwnerCount): Operation {
  const key = ownerCounterKey(owner);
  if (staged === 0 && stored === 0) return { type: 'del', key };
  return { type: 'put', key, value: sealValue(key, concat(u64(staged), u64(stored))) };
}

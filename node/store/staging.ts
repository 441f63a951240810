import { toHex } from '../../protocol/bytes.ts';
import { HASH_BYTES, MAX_SHARDS_PER_CALL, SHARD_BYTES } from '../../protocol/constants.ts';
import { isShard } from '../shard-id.ts';
import { StoreError } from './errors.ts';
import type { ShardContext, WantedShard } from './shard-context.ts';
import { bytesKey, claimKey, damagedKey, presentKey } from './shard-keys.ts';
import type { StageTicket } from './shard-types.ts';
import type { Reservation } from './space-ledger.ts';
import { claimOperation, readClaim, trafficOperation, UPLOAD_BYTES } from './staged-claim.ts';
import type { Operation } from './write-queue.ts';

interface Upload {
  readonly owner: string;
  readonly id: Uint8Array;
}

interface Slot {
  readonly id: Uint8Array;
  readonly shard: WantedShard;
  put: boolean;
}

/** Opens a stage call: what is here already is claimed for the owner, for the rest space is reserved. */
export async function stageShards(
  context: ShardContext,
  owner: string,
  uploadId: Uint8Array,
  ids: readonly Uint8Array[],
): Promise<StageTicket> {
  if (uploadId.length !== UPLOAD_BYTES) throw new RangeError(`an upload id has ${UPLOAD_BYTES} bytes`);
  if (ids.length > MAX_SHARDS_PER_CALL) throw new RangeError(`at most ${MAX_SHARDS_PER_CALL} shards a stage call`);
  if (ids.some((id) => id.length !== HASH_BYTES)) throw new RangeError(`a shard id has ${HASH_BYTES} bytes`);
  const { database, disk, ledger } = context;
  const upload: Upload = { owner, id: uploadId.slice() };
  const unique = [...new Map(ids.map((id) => [toHex(id), id.slice()])).values()];
  // What open calls were promised is not on the disk yet, but will be.
  await disk.admit(unique.length * SHARD_BYTES + ledger.usage().reservedBytes);
  const reservation: Reservation = { owner, space: 0, claims: 0 };
  try {
    return await database.transaction(async () => {
      ledger.unreserve(reservation);
      const { operations, slots } = await claimAndReserve(context, upload, unique, reservation);
      return { operations, result: new Ticket(context, upload, ids, slots, reservation) };
    });
  } catch (error) {
    ledger.unreserve(reservation);
    throw error;
  }
}

async function claimAndReserve(
  context: ShardContext,
  upload: Upload,
  ids: readonly Uint8Array[],
  reservation: Reservation,
): Promise<{ operations: Operation[]; slots: Slot[] }> {
  const { database, ledger, clock, wanted } = context;
  const { owner } = upload;
  const now = clock.now();
  const claimKeys = ids.map((id) => claimKey(id, owner));
  const [counted, damaged, claims] = await Promise.all([
    database.hasMany(ids.map(presentKey)),
    context.damage.any ? database.hasMany(ids.map(damagedKey)) : [],
    database.getMany(claimKeys),
  ]);
  // Most are new: only where the small key is there is it worth looking for the bytes.
  const written = await heldBytes(database, ids, counted);
  const indices = ids.map((_, i) => i);
  const wantedIndices = indices.filter((i) => !written[i]);
  const heldIndices = indices.filter((i) => written[i]);
  const unclaimed = (list: number[]): number => list.filter((i) => claims[i] === undefined).length;

  reservation.space = wantedIndices.filter((i) => !counted[i]).length;
  reservation.claims = unclaimed(indices);
  ledger.reserve(reservation);
  reservation.claims = unclaimed(wantedIndices);

  const operations = heldIndices.map((i): Operation => {
    const key = claimKeys[i] as Uint8Array;
    const sealed = claims[i];
    if (sealed === undefined) {
      ledger.addOwner(owner, { staged: 1 });
      wanted.claimed(ids[i] as Uint8Array, owner);
    }
    const stagedAt = sealed === undefined ? now : readClaim(key, sealed).stagedAt;
    return claimOperation(key, { upload: upload.id, stagedAt });
  });
  if (operations.length > 0) operations.push(trafficOperation(owner, upload.id, now));

  const slots = wantedIndices.map((i): Slot => {
    const id = ids[i] as Uint8Array;
    const found = { written: false, counted: counted[i] === true, damaged: damaged[i] === true };
    const shard = wanted.join(id, found);
    if (claims[i] !== undefined) shard.claimedBy.add(owner);
    return { id, shard, put: false };
  });
  return { operations, slots };
}

/** For each id whether its bytes are here; those that are not counted are taken for absent and written anew. */
async function heldBytes(
  database: ShardContext['database'],
  ids: readonly Uint8Array[],
  counted: readonly boolean[],
): Promise<boolean[]> {
  const likely = ids.filter((_, i) => counted[i]);
  const held = likely.length === 0 ? [] : await database.hasMany(likely.map(bytesKey));
  const found = held.values();
  return ids.map((_, i) => counted[i] === true && found.next().value === true);
}

class Ticket implements StageTicket {
  readonly wanted: readonly boolean[];
  readonly #context: ShardContext;
  readonly #upload: Upload;
  readonly #slots: Map<string, Slot>;
  readonly #reservation: Reservation;
  readonly #generation: number;
  readonly #writes: Promise<void>[] = [];
  /** When this call last noted its traffic: once a millisecond is enough for shards that share a batch. */
  #trafficAt: number | undefined;
  /** The database was reopened after a failed write before all of this was written. */
  #stale = false;
  #ended = false;

  constructor(
    context: ShardContext,
    upload: Upload,
    ids: readonly Uint8Array[],
    slots: readonly Slot[],
    reservation: Reservation,
  ) {
    this.#context = context;
    this.#upload = upload;
    this.#reservation = reservation;
    this.#generation = context.wanted.generation;
    this.#slots = new Map(slots.map((slot) => [toHex(slot.id), slot]));
    const unseen = new Set(this.#slots.keys());
    this.wanted = ids.map((id) => unseen.delete(toHex(id)));
  }

  async put(id: Uint8Array, bytes: Uint8Array): Promise<void> {
    const { database, disk } = this.#context;
    if (this.#ended) throw new StoreError({ code: 'closed' });
    const slot = this.#slots.get(toHex(id));
    if (slot === undefined) throw new StoreError({ code: 'unexpected-shard', id });
    if (bytes.length !== SHARD_BYTES) throw new StoreError({ code: 'wrong-size', id, bytes: bytes.length });
    if (!isShard(id, bytes)) throw new StoreError({ code: 'hash-mismatch', id });
    if (slot.put) return;
    if (disk.full) throw disk.error();
    slot.put = true;
    const { accepted, durable } = database.enqueue({
      bytes: SHARD_BYTES,
      exclusive: false,
      essential: false,
      build: () => this.#build(slot, bytes),
    });
    this.#writes.push(durable);
    await accepted;
  }

  async commit(): Promise<void> {
    if (this.#ended) throw new StoreError({ code: 'closed' });
    try {
      const absent = [...this.#slots.values()].filter((slot) => !slot.put);
      if (absent.length > 0) {
        throw new StoreError({ code: 'not-held', missing: absent.map(({ id }, index) => ({ index, id })) });
      }
      await Promise.all(this.#writes);
      const { database, disk } = this.#context;
      if (this.#stale) throw disk.full ? disk.error() : new StoreError({ code: 'io-error', path: database.path });
    } finally {
      this.abort();
    }
  }

  abort(): void {
    if (this.#ended) return;
    this.#ended = true;
    void Promise.allSettled(this.#writes).then(() => {
      const { ledger, wanted } = this.#context;
      ledger.unreserve(this.#reservation);
      for (const { id, shard } of this.#slots.values()) wanted.leave(id, shard);
    });
  }

  /** Called by the single writer when the shard's turn came: another upload may have stored it meanwhile. */
  #build({ id, shard }: Slot, bytes: Uint8Array): Operation[] {
    const { ledger, clock, wanted } = this.#context;
    if (wanted.generation !== this.#generation) {
      this.#stale = true;
      return [];
    }
    const { owner, id: upload } = this.#upload;
    const now = clock.now();
    const operations: Operation[] = [claimOperation(claimKey(id, owner), { upload, stagedAt: now })];
    if (this.#trafficAt !== now) operations.push(trafficOperation(owner, upload, now));
    this.#trafficAt = now;
    if (!shard.written) operations.push({ type: 'put', key: bytesKey(id), value: bytes });
    if (!shard.counted) {
      operations.push({ type: 'put', key: presentKey(id), value: new Uint8Array(0) });
      ledger.addShards(1);
    }
    if (shard.damaged) operations.push({ type: 'del', key: damagedKey(id) });
    if (!shard.claimedBy.has(owner)) ledger.addOwner(owner, { staged: 1 });
    shard.written = true;
    shard.counted = true;
    shard.damaged = false;
    shard.claimedBy.add(owner);
    this.#reservation.space = Math.max(0, this.#reservation.space - 1);
    this.#reservation.claims = Math.max(0, this.#reservation.claims - 1);
    return operations;
  }
}

import { toHex } from '../../protocol/bytes.ts';
import { HASH_BYTES, MAX_SHARDS_PER_CALL, SHARD_BYTES } from '../../protocol/constants.ts';
import { isShard } from '../shard-id.ts';
import { StoreError } from './errors.ts';
import type { ShardContext, WantedShard } from './shard-context.ts';
import { bytesKey, claimKey, damagedKey, presentKey, trashKey, uploadKey } from './shard-keys.ts';
import type { StageTicket } from './shard-types.ts';
import type { Reservation } from './space-ledger.ts';
import { claimOperation, readClaim, trafficOperation, UPLOAD_BYTES } from './staged-claim.ts';
import { deletingOldest, emptyOldest, takingBack, takingBackSince } from './trash.ts';
import type { Operation } from './write-queue.ts';

/** What a lower capacity left too much in the trash goes over several calls. */
const MAX_EMPTIED = 2 * MAX_SHARDS_PER_CALL;

interface Upload {
  readonly owner: string;
  readonly id: Uint8Array;
}

/** What the database has of a shard. */
interface Found {
  readonly written: boolean;
  readonly counted: boolean;
  readonly damaged: boolean;
  /** The sealed record of the trash. */
  readonly trashed: Uint8Array | undefined;
  /** The sealed claim of this owner. */
  readonly claim: Uint8Array | undefined;
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
  const { database, ledger, uploads, wanted } = context;
  const upload: Upload = { owner, id: uploadId.slice() };
  const byName = new Map(ids.map((id) => [toHex(id), id.slice()]));
  const unique = [...byName.values()];
  await admit(context, unique.length);
  const reservation: Reservation = { owner, space: 0, claims: 0 };
  const record = uploadKey(owner, upload.id);
  const { generation } = wanted;
  const look = wanted.looks.begin(new Set(byName.keys()));
  uploads.open(record);
  try {
    // Looking for the bytes of shards that are here reads them: all writers would wait for it.
    const found = await findAll(context, owner, byName);
    return await database.transaction(async () => {
      ledger.unreserve(reservation);
      const changed = wanted.generation === generation ? look.changed : new Set(byName.keys());
      const again = new Map([...byName].filter(([name]) => changed.has(name)));
      if (again.size > 0) for (const [name, now] of await findAll(context, owner, again)) found.set(name, now);
      const current = [...byName.keys()].map((name) => found.get(name) as Found);
      const { operations, slots } = await claimAndReserve(context, upload, unique, current, reservation);
      return { operations, result: new Ticket(context, upload, ids, slots, reservation) };
    });
  } catch (error) {
    ledger.unreserve(reservation);
    uploads.close(record);
    throw error;
  } finally {
    look.end();
  }
}

/** Resolves when the disk has room for so many shards; the trash is emptied for them. @throws StoreError `disk-full` */
async function admit(context: ShardContext, shards: number): Promise<void> {
  const { disk, ledger } = context;
  // What open calls were promised is not on the disk yet, but will be.
  const bytes = shards * SHARD_BYTES + ledger.usage().reservedBytes;
  try {
    await disk.admit(bytes);
  } catch (error) {
    // LevelDB gives the room of what is deleted back when it compacts: often not yet.
    if (ledger.usage().trashBytes === 0 || (await emptyOldest(context, shards)) === 0) throw error;
    await disk.admit(bytes);
  }
}

/** What is here of each shard, by its name. */
async function findAll(
  { database, damage, trash }: ShardContext,
  owner: string,
  byName: ReadonlyMap<string, Uint8Array>,
): Promise<Map<string, Found>> {
  const ids = [...byName.values()];
  const [counted, damaged, trashed, claims] = await Promise.all([
    database.hasMany(ids.map(presentKey)),
    damage.any ? database.hasMany(ids.map(damagedKey)) : [],
    trash.any ? database.getMany(ids.map(trashKey)) : [],
    database.getMany(ids.map((id) => claimKey(id, owner))),
  ]);
  // Most are new: only where the small key is there is it worth looking for the bytes.
  const written = await heldBytes(database, ids, counted);
  return new Map(
    [...byName.keys()].map((name, i): [string, Found] => [
      name,
      {
        written: written[i] === true,
        counted: counted[i] === true,
        damaged: damaged[i] === true,
        trashed: trashed[i],
        claim: claims[i],
      },
    ]),
  );
}

async function claimAndReserve(
  context: ShardContext,
  upload: Upload,
  ids: readonly Uint8Array[],
  found: readonly Found[],
  reservation: Reservation,
): Promise<{ operations: Operation[]; slots: Slot[] }> {
  const { database, ledger, uploads, clock, wanted } = context;
  const { owner } = upload;
  const now = clock.now();
  const shards = ids.map((id, i) => ({ id, ...(found[i] as Found) }));
  const absent = shards.filter(({ written }) => !written);
  const held = shards.filter(({ written }) => written);
  const unclaimed = (list: readonly Found[]): number => list.filter(({ claim }) => claim === undefined).length;

  // Before the reservation: meanwhile calls of which the last batch was settled give back theirs.
  const [known] = await database.hasMany([uploadKey(owner, upload.id)]);

  const operations = shards.flatMap(({ id, trashed }) =>
    trashed === undefined ? [] : takingBack(context, id, trashed),
  );
  reservation.space = absent.filter(({ counted }) => !counted).length;
  reservation.claims = unclaimed(shards);
  ledger.reserve(reservation);
  reservation.claims = unclaimed(absent);
  const excess = Math.min(ledger.excess(), MAX_EMPTIED);
  if (excess > 0) {
    const spare = new Set(shards.filter(({ trashed }) => trashed !== undefined).map(({ id }) => toHex(id)));
    operations.push(...(await deletingOldest(context, excess, undefined, spare)).operations);
  }

  const begins = !known && ids.length > 0;
  if (begins) uploads.add(owner);
  for (const { id, claim } of held) {
    const key = claimKey(id, owner);
    if (claim === undefined) ledger.addOwner(owner, { staged: 1 });
    wanted.claimed(id, owner);
    const stagedAt = claim === undefined ? now : readClaim(key, claim).stagedAt;
    operations.push(claimOperation(key, { upload: upload.id, stagedAt }));
  }
  // The first call notes the upload even if it stores nothing: so the records are counted here and nowhere else.
  if (begins || operations.length > 0) operations.push(trafficOperation(owner, upload.id, now));

  const slots = absent.map(({ id, counted, damaged, claim }): Slot => {
    const shard = wanted.join(id, { written: false, counted, damaged });
    if (claim !== undefined) shard.claimedBy.add(owner);
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
      const { ledger, uploads, wanted } = this.#context;
      ledger.unreserve(this.#reservation);
      uploads.close(uploadKey(this.#upload.owner, this.#upload.id));
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
    wanted.looks.touch(toHex(id));
    if (this.#trafficAt !== now) operations.push(trafficOperation(owner, upload, now));
    this.#trafficAt = now;
    if (!shard.written) operations.push({ type: 'put', key: bytesKey(id), value: bytes });
    if (!shard.counted) {
      operations.push({ type: 'put', key: presentKey(id), value: new Uint8Array(0) });
      ledger.addShards(1);
    }
    if (shard.damaged) operations.push({ type: 'del', key: damagedKey(id) });
    if (shard.trashedAt !== undefined) operations.push(...takingBackSince(this.#context, id, shard.trashedAt));
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

import { toHex, u64 } from '../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { openValue, sealValue } from './checked-value.ts';
import { prefixRange, u64At } from './key-codec.ts';
import type { ShardContext } from './shard-context.ts';
import { isHeld } from './shard-holds.ts';
import {
  bytesKey,
  namespacePrefix,
  parseTrashByTime,
  presentKey,
  SHARD_NAMESPACES,
  trashByTimeKey,
  trashKey,
} from './shard-keys.ts';
import type { Operation } from './write-queue.ts';

/** Shards deleted in one batch: some ten milliseconds of the single writer. */
const EMPTY_BATCH = 256;
const NO_VALUE = new Uint8Array(0);

/** Puts a shard that is present, and that nothing holds any more, into the trash. In the turn of the single writer. */
export function trashing({ ledger, wanted, trash }: ShardContext, id: Uint8Array, now: number): Operation[] {
  trash.any = true;
  ledger.addTrash(1);
  wanted.trashed(id, now);
  const key = trashKey(id);
  return [
    { type: 'put', key, value: sealValue(key, u64(now)) },
    { type: 'put', key: trashByTimeKey(now, id), value: NO_VALUE },
  ];
}

/** Takes a shard back whose record is `sealed`. A damaged record does not say since when: what is left is found later. */
export function takingBack(context: ShardContext, id: Uint8Array, sealed: Uint8Array): Operation[] {
  return takingBackSince(context, id, trashedAt(id, sealed));
}

/** The same, where it is known since when. */
export function takingBackSince({ ledger, wanted }: ShardContext, id: Uint8Array, at: number | undefined): Operation[] {
  ledger.addTrash(-1);
  wanted.takenBack(id);
  const operations: Operation[] = [{ type: 'del', key: trashKey(id) }];
  if (at !== undefined) operations.push({ type: 'del', key: trashByTimeKey(at, id) });
  return operations;
}

/** Takes back those of the shards that are in the trash. */
export async function takingBackAll(context: ShardContext, ids: readonly Uint8Array[]): Promise<Operation[]> {
  if (!context.trash.any) return [];
  const records = await context.database.getMany(ids.map(trashKey));
  return ids.flatMap((id, i) => {
    const sealed = records[i];
    return sealed === undefined ? [] : takingBack(context, id, sealed);
  });
}

/** Deletes what has been in the trash for as long as it should. Returns the bytes freed. */
export async function emptyTrash(context: ShardContext, signal?: AbortSignal): Promise<number> {
  const { trash, database } = context;
  const until = trash.clock.now() - trash.timeMs;
  let freedBytes = 0;
  if (trash.any)
    await database.transaction(async () => ({ operations: await trash.clock.noting(), result: undefined }));
  while (trash.any) {
    signal?.throwIfAborted();
    const step = await database.transaction(async () => {
      const { operations, shards, done } = await deletingOldest(context, EMPTY_BATCH, until);
      return { operations, result: { shards, done } };
    });
    freedBytes += step.shards * SHARD_BYTES;
    if (step.done) break;
  }
  return freedBytes;
}

/** Deletes the `count` oldest. Returns how many there were. */
export async function emptyOldest(context: ShardContext, count: number): Promise<number> {
  return context.database.transaction(async () => {
    const { operations, shards } = await deletingOldest(context, Math.min(count, EMPTY_BATCH));
    return { operations, result: shards };
  });
}

/**
 * Operations that delete up to `count` shards from the trash, oldest first, without those named in `spare` (hex ids).
 * Whatever something holds after all is taken back instead. To be called by the single writer.
 */
export async function deletingOldest(
  context: ShardContext,
  count: number,
  until = Number.POSITIVE_INFINITY,
  spare: ReadonlySet<string> = new Set(),
): Promise<{ operations: Operation[]; shards: number; done: boolean }> {
  const { database, ledger, wanted } = context;
  const range = prefixRange(namespacePrefix(SHARD_NAMESPACES.trashByTime));
  const { entries } = await database.page(range, count + spare.size);
  const due = entries.map(([key]) => ({ key, ...parseTrashByTime(key) })).filter(({ at }) => at <= until);
  const records = await database.getMany(due.map(({ id }) => trashKey(id)));
  const operations: Operation[] = [];
  let shards = 0;
  for (const [i, { key, at, id }] of due.entries()) {
    if (shards === count) break;
    if (spare.has(toHex(id))) continue;
    operations.push({ type: 'del', key });
    const sealed = records[i];
    // It was taken back, or came anew later.
    if (sealed === undefined || (trashedAt(id, sealed) ?? at) !== at) continue;
    if (await isHeld(context, id)) {
      operations.push(...takingBack(context, id, sealed));
      continue;
    }
    shards++;
    ledger.addShards(-1);
    ledger.addTrash(-1);
    wanted.removed(id, false);
    for (const gone of [bytesKey(id), presentKey(id), trashKey(id)]) operations.push({ type: 'del', key: gone });
  }
  return { operations, shards, done: due.length < count };
}

function trashedAt(id: Uint8Array, sealed: Uint8Array): number | undefined {
  const value = openValue(trashKey(id), sealed);
  return value === undefined ? undefined : u64At(value, 0);
}

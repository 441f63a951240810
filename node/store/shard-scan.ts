import { compareBytes } from '../../protocol/bytes.ts';
import { openValue } from './checked-value.ts';
import { prefixRange } from './key-codec.ts';
import type { ShardContext } from './shard-context.ts';
import { claimOwner, idOf, namespacePrefix, SHARD_NAMESPACES } from './shard-keys.ts';
import { Departures } from './shard-removal.ts';
import type { OwnerCount, Totals } from './space-ledger.ts';
import type { Operation } from './write-queue.ts';

const ORPHAN_BATCH = 256;

const keysOf = ({ database }: ShardContext, namespace: number, signal?: AbortSignal) =>
  database.entries(prefixRange(namespacePrefix(namespace)), signal);

/** The ids of the shards present, ascending. */
export async function* shardIds(context: ShardContext, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const [key] of keysOf(context, SHARD_NAMESPACES.present, signal)) yield idOf(key);
}

/** The ids of the shards whose loss was noticed, ascending. */
export async function* damagedIds(context: ShardContext, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const [key] of keysOf(context, SHARD_NAMESPACES.damaged, signal)) yield idOf(key);
}

/** Puts into the trash what nothing claims or references: a repaired database can contain it. Returns its bytes. */
export async function collectOrphans(context: ShardContext, signal?: AbortSignal): Promise<number> {
  const references = new IdCursor(keysOf(context, SHARD_NAMESPACES.referenceById, signal));
  const claims = new IdCursor(keysOf(context, SHARD_NAMESPACES.claim, signal));
  const trash = new IdCursor(keysOf(context, SHARD_NAMESPACES.trash, signal));
  let freedBytes = 0;
  let orphans: Uint8Array[] = [];
  const collect = async (): Promise<void> => {
    const batch = orphans;
    orphans = [];
    freedBytes += await context.database.transaction(async () => {
      const departures = new Departures();
      for (const id of batch) departures.add(id);
      const removal = await departures.operations(context);
      return { operations: removal.operations, result: removal.freedBytes };
    });
  };
  try {
    for await (const id of shardIds(context, signal)) {
      if ((await references.reaches(id)) || (await claims.reaches(id)) || (await trash.reaches(id))) continue;
      orphans.push(id);
      if (orphans.length === ORPHAN_BATCH) await collect();
    }
    if (orphans.length > 0) await collect();
  } finally {
    await references.close();
    await claims.close();
    await trash.close();
  }
  return freedBytes;
}

/** Walks keys that begin with an id, beside an ascending walk over ids. */
class IdCursor {
  readonly #keys: AsyncGenerator<readonly [Uint8Array, Uint8Array]>;
  #current: Uint8Array | undefined;
  #ended = false;

  constructor(keys: AsyncGenerator<readonly [Uint8Array, Uint8Array]>) {
    this.#keys = keys;
  }

  /** Whether a key begins with `id`, which is not below the one asked before. */
  async reaches(id: Uint8Array): Promise<boolean> {
    while (!this.#ended && (this.#current === undefined || compareBytes(this.#current, id) < 0)) {
      const next = await this.#keys.next();
      if (next.done) this.#ended = true;
      else this.#current = idOf(next.value[0]);
    }
    return this.#current !== undefined && compareBytes(this.#current, id) === 0;
  }

  async close(): Promise<void> {
    await this.#keys.return(undefined);
  }
}

/** Counts everything from the records themselves. */
export async function countTotals(context: ShardContext, signal?: AbortSignal): Promise<Totals> {
  const owners = new Map<string, OwnerCount>();
  const add = (owner: string, staged: number, stored: number): void => {
    const count = owners.get(owner) ?? { staged: 0, stored: 0 };
    owners.set(owner, { staged: count.staged + staged, stored: count.stored + stored });
  };
  let shards = 0;
  let trash = 0;
  for await (const _ of keysOf(context, SHARD_NAMESPACES.present, signal)) shards++;
  for await (const _ of keysOf(context, SHARD_NAMESPACES.trash, signal)) trash++;
  for await (const [key] of keysOf(context, SHARD_NAMESPACES.claim, signal)) add(claimOwner(key), 1, 0);
  for await (const [key, sealed] of keysOf(context, SHARD_NAMESPACES.reference, signal)) {
    const owner = openValue(key, sealed);
    if (owner !== undefined) add(new TextDecoder().decode(owner), 0, 1);
  }
  return { shards, trash, owners };
}

/** Replaces the counters by a count, as the single writer. */
export async function recountSpace(context: ShardContext): Promise<void> {
  await context.database.transaction(async () => {
    const operations: Operation[] = context.ledger.replace(await countTotals(context));
    return { operations, result: undefined };
  });
}

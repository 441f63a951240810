import { toHex } from '../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import type { ShardContext } from './shard-context.ts';
import { isHeld } from './shard-holds.ts';
import { bytesKey, damagedKey, presentKey, trashKey } from './shard-keys.ts';
import { trashing } from './trash.ts';
import type { Operation } from './write-queue.ts';

/** Shards that lose claims or references in the batch that is being built. */
export class Departures {
  readonly #shards = new Map<string, { id: Uint8Array; keys: Set<string> }>();

  /** `key`: the claim or reference-by-id key that the batch deletes. */
  add(id: Uint8Array, key?: Uint8Array): void {
    const name = toHex(id);
    const shard = this.#shards.get(name) ?? { id, keys: new Set() };
    this.#shards.set(name, shard);
    if (key !== undefined) shard.keys.add(toHex(key));
  }

  /** Operations that put into the trash what nothing holds any more. To be called by the single writer. */
  async operations(context: ShardContext): Promise<{ operations: Operation[]; freedBytes: number }> {
    const gone: Uint8Array[] = [];
    for (const { id, keys } of this.#shards.values()) if (!(await isHeld(context, id, keys))) gone.push(id);
    const [counted, trashed] = await Promise.all([
      context.database.hasMany(gone.map(presentKey)),
      context.trash.any ? context.database.hasMany(gone.map(trashKey)) : [],
    ]);
    const leaving = gone.filter((_, i) => trashed[i] !== true);
    const present = gone.filter((_, i) => counted[i] && trashed[i] !== true);
    const kept = context.trash.timeMs > 0 ? new Set(present) : new Set<Uint8Array>();
    const now = context.trash.clock.now();
    const operations = leaving.flatMap((id) => {
      if (kept.has(id)) return trashing(context, id, now);
      context.wanted.removed(id, false);
      return [bytesKey(id), presentKey(id), damagedKey(id)].map((key): Operation => ({ type: 'del', key }));
    });
    context.ledger.addShards(kept.size - present.length);
    return { operations, freedBytes: present.length * SHARD_BYTES };
  }
}

import { toHex } from '../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { prefixRange } from './key-codec.ts';
import type { ShardContext } from './shard-context.ts';
import { bytesKey, claimPrefix, damagedKey, presentKey, reversePrefix } from './shard-keys.ts';
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

  /** Operations that delete the bytes of those that nothing holds any more. To be called by the single writer. */
  async operations(context: ShardContext): Promise<{ operations: Operation[]; freedBytes: number }> {
    const gone: Uint8Array[] = [];
    for (const { id, keys } of this.#shards.values()) {
      const held =
        (await holdsBeyond(context, reversePrefix(id), keys)) || (await holdsBeyond(context, claimPrefix(id), keys));
      if (!held) gone.push(id);
    }
    const counted = (await context.database.hasMany(gone.map(presentKey))).filter(Boolean).length;
    context.ledger.addShards(-counted);
    const operations = gone.flatMap((id): Operation[] => {
      context.wanted.removed(id, false);
      return [bytesKey(id), presentKey(id), damagedKey(id)].map((key) => ({ type: 'del', key }));
    });
    return { operations, freedBytes: counted * SHARD_BYTES };
  }
}

async function holdsBeyond(context: ShardContext, prefix: Uint8Array, leaving: ReadonlySet<string>): Promise<boolean> {
  const { entries } = await context.database.page(prefixRange(prefix), leaving.size + 1);
  return entries.some(([key]) => !leaving.has(toHex(key)));
}

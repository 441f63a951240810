import { toHex } from '../../protocol/bytes.ts';
import { prefixRange } from './key-codec.ts';
import type { ShardContext } from './shard-context.ts';
import { claimPrefix, reversePrefix } from './shard-keys.ts';

/** Whether anything but the claims and references that the batch deletes (hex keys) holds a shard. */
export async function isHeld(
  context: ShardContext,
  id: Uint8Array,
  leaving: ReadonlySet<string> = new Set(),
): Promise<boolean> {
  return (
    (await holdsBeyond(context, reversePrefix(id), leaving)) || (await holdsBeyond(context, claimPrefix(id), leaving))
  );
}

async function holdsBeyond(context: ShardContext, prefix: Uint8Array, leaving: ReadonlySet<string>): Promise<boolean> {
  const { entries } = await context.database.page(prefixRange(prefix), leaving.size + 1);
  return entries.some(([key]) => !leaving.has(toHex(key)));
}

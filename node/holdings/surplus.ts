import type { CID } from 'multiformats/cid';
import { bitmapIndices, bitmapOf } from '../../protocol/bitmap.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { guardianOrder } from '../../protocol/guardian-order.ts';

/** What somebody else answers for, with a valid receipt. */
export interface OtherHolder {
  /** Public key. */
  readonly holder: Uint8Array;
  /** Bitmap of the shards that it says are there. */
  readonly indices: Uint8Array;
  /** 0: until released. */
  readonly expiresAt: number;
}

/**
 * Of the shards that this node promised for a while, those that it need not promise again, as a bitmap: another holder has
 * the shard until its release, or for a while too and ranks before this node. All who look see the same order, so that of
 * several copies the first one stays, whoever looks first.
 *
 * @param self public key of this node
 */
export function surplusShards(
  root: CID,
  self: Uint8Array,
  indices: Uint8Array,
  others: readonly OtherHolder[],
): Uint8Array {
  const order = guardianOrder(root.bytes, [self, ...others.map(({ holder }) => holder)]);
  const rankOf = (key: Uint8Array) => order.findIndex((holder) => equalBytes(holder, key));
  const own = rankOf(self);
  const covered = new Set<number>();
  for (const { holder, indices: held, expiresAt } of others) {
    if (equalBytes(holder, self) || (expiresAt !== 0 && rankOf(holder) > own)) continue;
    for (const index of bitmapIndices(held)) covered.add(index);
  }
  return bitmapOf(bitmapIndices(indices).filter((index) => covered.has(index)));
}

import type { CID } from 'multiformats/cid';
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
 * Those whose shards this node, which promised them for a while, need not promise again: they have them until their release,
 * or for a while too and rank before this node. All who look see the same order, so that of several copies the first one
 * stays, whoever looks first.
 *
 * @param self public key of this node
 */
export function precedingHolders<T extends OtherHolder>(root: CID, self: Uint8Array, others: readonly T[]): T[] {
  const order = guardianOrder(root.bytes, [self, ...others.map(({ holder }) => holder)]);
  const rankOf = (key: Uint8Array) => order.findIndex((holder) => equalBytes(holder, key));
  const own = rankOf(self);
  return others.filter(
    ({ holder, expiresAt }) => !equalBytes(holder, self) && (expiresAt === 0 || rankOf(holder) < own),
  );
}

import type { CID } from 'multiformats/cid';
import { equalBytes } from '../../protocol/bytes.ts';
import { guardianOrder } from '../../protocol/guardian-order.ts';
import { peerIdFromKey } from '../network/peer-key.ts';

export interface RankRequest {
  readonly root: CID;
  /** Keys of those who hold something of the object and answer. */
  readonly holders: readonly Uint8Array[];
  /** Key of this node. */
  readonly self: Uint8Array;
  readonly isOwner: boolean;
  /** The owner ranks first while it is connected. */
  readonly ownerConnected: boolean;
  /** How many holders guard an object beside its owner. */
  readonly guardians: number;
}

export interface Rank {
  /** How many others act before this node does; undefined when it does not guard the object. */
  readonly turn: number | undefined;
  /** Peer ids of the other holders that guard it, the first first. */
  readonly others: readonly string[];
}

/** Whether this node guards an object, and when it is its turn. */
export function rankOf({ root, holders, self, isOwner, ownerConnected, guardians }: RankRequest): Rank {
  const first = guardianOrder(root.bytes, holders).slice(0, guardians);
  const others = first.filter((key) => !equalBytes(key, self)).map(peerIdFromKey);
  if (isOwner) return { turn: 0, others };
  const place = first.findIndex((key) => equalBytes(key, self));
  return { turn: place < 0 ? undefined : place + (ownerConnected ? 1 : 0), others };
}

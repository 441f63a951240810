import type { CID } from 'multiformats/cid';
import { equalBytes } from '../../protocol/bytes.ts';
import { guardianOrder } from '../../protocol/guardian-order.ts';
import { peerIdFromKey } from '../network/peer-key.ts';
import { turnOf } from './turns.ts';

export interface RankRequest {
  readonly root: CID;
  /** Keys of those who answer and are believed to hold something of the object. */
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
  /** How many others act before this node does. */
  readonly turn: number;
  /** Whether it is among the first, who look after the object the most often. */
  readonly isFirst: boolean;
  /** Peer ids of the other holders among the first, in their order. */
  readonly others: readonly string[];
}

/**
 * When it is this node's turn to act for an object. The rank orders only: keys are free, and whoever makes enough of them
 * ranks before everybody else, so nobody who sees a need leaves it to others for good.
 */
export function rankOf({ root, holders, self, isOwner, ownerConnected, guardians }: RankRequest): Rank {
  const order = guardianOrder(root.bytes, holders);
  const first = order.slice(0, guardians);
  const others = first.filter((key) => !equalBytes(key, self)).map(peerIdFromKey);
  if (isOwner) return { turn: 0, isFirst: true, others };
  const at = order.findIndex((key) => equalBytes(key, self));
  const place = at < 0 ? order.length : at;
  return { turn: turnOf(place) + (ownerConnected ? 1 : 0), isFirst: place < guardians, others };
}

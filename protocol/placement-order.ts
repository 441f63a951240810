import { hashOrder } from './hash-order.ts';

/**
 * Rendezvous ranking (highest random weight; Thaler and Ravishankar 1998): who looks after an object first, second, …
 *
 * The weight of a peer for a root is `H(HOLDFAST1/rendezvous, root ‖ peer)`, 32 bytes compared as a big-endian number;
 * peers are ranked by descending weight. All who know the same peers so agree on the order without a message, every
 * root has another order, and a peer that joins or leaves moves nobody else past anybody.
 *
 * @param root bytes of the root's CID
 * @param peers 32-byte keys; a repeated one counts once
 */
export function rendezvousOrder(root: Uint8Array, peers: readonly Uint8Array[]): Uint8Array[] {
  return hashOrder('rendezvous', root, peers).reverse();
}

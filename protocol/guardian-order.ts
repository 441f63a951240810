import { hashOrder } from './hash-order.ts';

/**
 * Rendezvous ranking of the holders of an object (highest random weight; Thaler and Ravishankar 1998): who guards it first,
 * second, … Ascending by `H(HOLDFAST1/guardian, root ‖ peer)`, so that all who know the same holders agree without a
 * message, every object has another order, and a holder that comes or goes moves nobody else past anybody.
 *
 * @param root bytes of the root's CID
 * @param holders 32-byte keys of those with a valid receipt; a repeated one counts once
 */
export function guardianOrder(root: Uint8Array, holders: readonly Uint8Array[]): Uint8Array[] {
  return hashOrder('guardian', root, holders);
}

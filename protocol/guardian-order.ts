import { compareBytes } from './bytes.ts';
import { taggedHash } from './hash.ts';

/**
 * Rendezvous ranking of the holders of an object (highest random weight; Thaler and Ravishankar 1998): who guards it first,
 * second, … Ascending by `H(HOLDFAST1/guardian, root ‖ peer)`, compared as a big-endian number, so that all who know the same
 * holders agree without a message, every object has another order, and a holder that comes or goes moves nobody else past
 * anybody.
 *
 * @param root bytes of the root's CID
 * @param holders 32-byte keys of those with a valid receipt; a repeated one counts once
 */
export function guardianOrder(root: Uint8Array, holders: readonly Uint8Array[]): Uint8Array[] {
  const ranked = holders.map((holder) => ({ holder, rank: taggedHash('guardian', root, holder) }));
  ranked.sort((a, b) => compareBytes(a.rank, b.rank));
  // Equal ranks are equal holders, and next to each other.
  return ranked
    .filter(({ rank }, i) => i === 0 || compareBytes(rank, (ranked[i - 1] as { rank: Uint8Array }).rank) !== 0)
    .map(({ holder }) => holder);
}

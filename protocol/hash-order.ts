import { compareBytes } from './bytes.ts';
import { type Tag, taggedHash } from './hash.ts';

/**
 * Peers in ascending order of `H(HOLDFAST1/<tag>, root ‖ peer)`, compared as a big-endian number.
 *
 * @param root bytes of the object's CID
 * @param peers 32-byte keys; a repeated one counts once
 */
export function hashOrder(tag: Tag, root: Uint8Array, peers: readonly Uint8Array[]): Uint8Array[] {
  const ranked = peers.map((peer) => ({ peer, rank: taggedHash(tag, root, peer) }));
  ranked.sort((a, b) => compareBytes(a.rank, b.rank));
  // Equal ranks are equal peers, and next to each other.
  return ranked
    .filter(({ rank }, i) => i === 0 || compareBytes(rank, (ranked[i - 1] as { rank: Uint8Array }).rank) !== 0)
    .map(({ peer }) => peer);
}

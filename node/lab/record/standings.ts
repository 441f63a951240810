import type { PeerReputation } from '../../api/reputation-service.ts';

/** How the others see one node. */
export interface SeenAs {
  /** Mean of the scores; null when nobody judged it. */
  readonly score: number | null;
  readonly seenBy: number;
  readonly disqualifiedBy: number;
  /** How many know a proof of it that failed. */
  readonly disprovedBy: number;
}

/** @param views what each node that runs says of its peers @returns by peer, in the order of `peers` */
export function seenAs(peers: readonly string[], views: readonly (readonly PeerReputation[])[]): SeenAs[] {
  const judged = Map.groupBy(views.flat(), ({ peer }) => peer);
  return peers.map((peer) => {
    const opinions = judged.get(peer) ?? [];
    const sum = opinions.reduce((total, { score }) => total + score, 0);
    return {
      score: opinions.length === 0 ? null : sum / opinions.length,
      seenBy: opinions.length,
      disqualifiedBy: opinions.filter(({ disqualified }) => disqualified).length,
      disprovedBy: opinions.filter(({ integrityFailedAt }) => integrityFailedAt !== undefined).length,
    };
  });
}

/** Why the configuration keeps a peer out: `placement.deny` names it, or `placement.allow` names others only. */
export type Listing = 'denied' | 'not-allowed';

/** `deny` is stronger; an empty `allow` allows everyone. */
export function peerLists(allow: readonly string[], deny: readonly string[]): (peer: string) => Listing | undefined {
  const allowed = new Set(allow);
  const denied = new Set(deny);
  return (peer) => {
    if (denied.has(peer)) return 'denied';
    return allowed.size === 0 || allowed.has(peer) ? undefined : 'not-allowed';
  };
}

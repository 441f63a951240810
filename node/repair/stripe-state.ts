/**
 * How a peer that signed for a shard stands to it: it answers for it, only says that it has it, is not heard from, or is known
 * not to have it.
 */
export type HolderStanding = 'answers' | 'claims' | 'away' | 'lost';

export interface ShardHolder {
  readonly peer: string;
  /** Undefined when no address of the peer is known: it then counts as a subnet of its own. */
  readonly subnet?: string | undefined;
  readonly standing: HolderStanding;
}

/**
 * healthy: somebody answers for the shard; clumped: somebody does, but in a subnet (or at a peer) that counts for another
 * shard of the stripe already; suspected: all who had it are away, not for long enough to count as lost; lost: the rest, also
 * where somebody claims it.
 */
export type ShardState = 'healthy' | 'clumped' | 'suspected' | 'lost';

/** What the shards of a stripe come to. Clumped shards are healthy ones too. */
export interface StripeCounts {
  /** Shards that rebuild it: k′. */
  readonly needed: number;
  /** Shards that are stored when nothing is lost: k′+m. */
  readonly expected: number;
  readonly healthy: number;
  readonly clumped: number;
  readonly suspected: number;
}

/**
 * lost: too few answer to rebuild it now; degraded: a shard is lost; suspected: a shard may be; clumped: all there, but not
 * apart.
 */
export type StripeState = 'healthy' | 'suspected' | 'clumped' | 'degraded' | 'lost';

/**
 * States of the stored shards of one stripe, given who signed for each. Of shards that crowd a subnet as few as possible
 * count as clumped: a shard with several holders is counted where it is alone (a maximum matching of shards to subnets).
 */
export function shardStates(shards: readonly (readonly ShardHolder[])[]): ShardState[] {
  const places = shards.map((holders) => [
    ...new Set(holders.filter(({ standing }) => standing === 'answers').map(placeOf)),
  ]);
  const apart = matched(places);
  return shards.map((holders, shard) => {
    if (apart.has(shard)) return 'healthy';
    if ((places[shard] as string[]).length > 0) return 'clumped';
    return holders.some(({ standing }) => standing === 'away') ? 'suspected' : 'lost';
  });
}

/** @param needed k′ */
export function countStripe(needed: number, states: readonly ShardState[]): StripeCounts {
  const count = (state: ShardState) => states.filter((one) => one === state).length;
  const clumped = count('clumped');
  return {
    needed,
    expected: states.length,
    healthy: count('healthy') + clumped,
    clumped,
    suspected: count('suspected'),
  };
}

export function lostShards({ expected, healthy, suspected }: StripeCounts): number {
  return expected - healthy - suspected;
}

/** Shards that may be lost before the stripe is; below 0 it cannot be rebuilt now. */
export function marginOf({ healthy, needed }: StripeCounts): number {
  return healthy - needed;
}

export function stripeState(counts: StripeCounts): StripeState {
  if (marginOf(counts) < 0) return 'lost';
  if (lostShards(counts) > 0) return 'degraded';
  if (counts.suspected > 0) return 'suspected';
  return counts.clumped > 0 ? 'clumped' : 'healthy';
}

function placeOf({ subnet, peer }: ShardHolder): string {
  return subnet === undefined ? `peer ${peer}` : `subnet ${subnet}`;
}

/** The shards that a maximum matching gives a place of their own (augmenting paths; at most 64 shards). */
function matched(places: readonly (readonly string[])[]): Set<number> {
  const shardAt = new Map<string, number>();
  const settle = (shard: number, tried: Set<string>): boolean => {
    for (const place of places[shard] as readonly string[]) {
      if (tried.has(place)) continue;
      tried.add(place);
      const other = shardAt.get(place);
      if (other !== undefined && !settle(other, tried)) continue;
      shardAt.set(place, shard);
      return true;
    }
    return false;
  };
  for (const shard of places.keys()) settle(shard, new Set());
  return new Set(shardAt.values());
}

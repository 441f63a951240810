/** A peer's declared region beside what was measured. */
export interface RegionObservation {
  readonly peer: string;
  /** As declared; empty: none. */
  readonly region: string;
  /** Smallest round-trip time measured to it, milliseconds. */
  readonly rttMs: number;
}

/**
 * Light travels about 200 km a millisecond in fibre, so that a round-trip time of r ms puts a peer within 100·r km: a
 * proof, since nobody answers a ping before it arrives. The other way round there is no proof: routes are longer than the
 * distance, and whoever wants to seem far away waits. Cables and routers usually double the direct time; three times it,
 * as the smallest of many measurements, is rare.
 */
const DETOUR = 3;
/** Width of a region: 2,000 km, which covers what clouds and operators call one (`eu-west`, `us-east`). */
const REGION_WIDTH_MS = 20;
/** Within 200 km of us in another region than ours: neighbouring sites of large clouds are 8 ms and more apart. */
const NEXT_DOOR_MS = 2;
/** Other peers of a region that must have been measured before their median says where it is. */
const MIN_OTHERS = 4;

/**
 * Peers whose declared region does not fit their round-trip times, with that region. Regions are names without
 * coordinates, so that they are compared with our own and with each other:
 *
 * 1. it declares our region and takes more than 3·20 ms, or another region and takes less than 2 ms;
 * 2. its time r and the median m of at least four other peers of its region differ by more than the width of a region
 *    explains: r > 3·(m + 20) or m > 3·(r + 20).
 *
 * Limits: who lies within what these bounds leave is not found; who delays its answers can pass for a far region, though
 * never for a near one; a region whose measured peers are mostly liars makes the honest ones look wrong; peers behind a
 * slow link look far. Doubt is no accusation, therefore: it only takes the region out of account.
 */
export function regionDoubts(ownRegion: string, observations: readonly RegionObservation[]): Map<string, string> {
  const regions = Map.groupBy(
    observations.filter(({ region }) => region !== ''),
    ({ region }) => region,
  );
  const doubts = new Map<string, string>();
  for (const [region, members] of regions) {
    const sorted = members.map(({ rttMs }) => rttMs).sort((a, b) => a - b);
    for (const { peer, rttMs } of members) {
      if (contradictsUs(ownRegion, region, rttMs) || contradictsOthers(sorted, rttMs)) doubts.set(peer, region);
    }
  }
  return doubts;
}

function contradictsUs(ownRegion: string, region: string, rttMs: number): boolean {
  if (ownRegion === '') return false;
  return ownRegion === region ? rttMs > DETOUR * REGION_WIDTH_MS : rttMs < NEXT_DOOR_MS;
}

/** @param sorted times of all measured peers of the region, this one's among them */
function contradictsOthers(sorted: readonly number[], rttMs: number): boolean {
  const others = sorted.toSpliced(sorted.indexOf(rttMs), 1);
  if (others.length < MIN_OTHERS) return false;
  const median = others[Math.floor(others.length / 2)] as number;
  return rttMs > DETOUR * (median + REGION_WIDTH_MS) || median > DETOUR * (rttMs + REGION_WIDTH_MS);
}

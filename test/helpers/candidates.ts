import fc from 'fast-check';
import type { Candidate } from '../../node/placement/candidates.ts';
import { Placement, type PlacementOptions } from '../../node/placement/select.ts';
import { STRATEGY_NAMES, type StrategyName, strategyOf } from '../../node/placement/strategies.ts';
import { UNVERIFIED_SUBNET } from '../../node/placement/subnet.ts';
import type { Standing } from '../../node/reputation/standing.ts';

/** Of a peer that nobody judged yet and that always answers. */
export const NEUTRAL_STANDING: Standing = {
  integrity: 0.5,
  availability: 1,
  vetted: false,
  integrityFailedAt: undefined,
  disqualified: false,
};

/** A newcomer that may be drawn, in a subnet of its own. */
export function candidate(peer: string, changes: Partial<Candidate> = {}): Candidate {
  return {
    peer,
    capacity: 1000,
    free: 1000,
    region: '',
    declaredRegion: changes.region ?? '',
    subnet: `10.0.${peer}.0/24`,
    online: true,
    banned: false,
    listing: undefined,
    integrity: 0.5,
    reputation: 0.5,
    vetted: false,
    suspended: false,
    disqualified: false,
    ...changes,
  };
}

/** Up to 30 candidates with all that may keep them from being drawn; the first is the node itself. */
export const anyCandidates = fc
  .array(
    fc.record({
      free: fc.integer({ min: 0, max: 2000 }),
      region: fc.constantFrom('', 'eu', 'us', 'ap'),
      subnet: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', UNVERIFIED_SUBNET),
      online: rarely(false),
      banned: rarely(true),
      listing: fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, fc.constantFrom('denied', 'not-allowed')),
      integrity: fc.double({ min: 0, max: 1, noNaN: true }),
      reputation: fc.double({ min: 0, max: 1, noNaN: true }),
      vetted: fc.boolean(),
      suspended: rarely(true),
      disqualified: rarely(true),
    }),
    { maxLength: 30 },
  )
  .map((list) =>
    list.map((changes, i) => candidate(i === 0 ? 'self' : String(i), changes as unknown as Partial<Candidate>)),
  );

function rarely(value: boolean): fc.Arbitrary<boolean> {
  return fc.oneof({ weight: 7, arbitrary: fc.constant(!value) }, fc.constant(value));
}

export const anyStrategy = fc.constantFrom<StrategyName>(...STRATEGY_NAMES);

export interface TestPlacement extends Partial<PlacementOptions> {
  readonly seed?: number;
  readonly name?: StrategyName;
}

/** The real placement over these candidates. */
export function placementOf(
  candidates: readonly Candidate[],
  { seed = 1, name = 'hybrid', ...options }: TestPlacement = {},
): Placement {
  const byPeer = new Map(candidates.map((one) => [one.peer, one]));
  const table = {
    promised: () => {},
    list: () => [...candidates],
    get: (peer: string) => byPeer.get(peer),
    placeOf: (peer: string) => byPeer.get(peer) ?? { subnet: peer, region: '', vetted: false },
  };
  return new Placement({
    candidates: table,
    self: 'self',
    strategy: strategyOf(name),
    random: quickRandom(seed),
    ...options,
  });
}

/** Deterministic bytes, for simulations of a hundred thousand draws: mulberry32 (public domain, T. Ettinger). */
export function quickRandom(seed: number): (bytes: number) => Uint8Array {
  let state = seed >>> 0;
  return (bytes) => {
    const out = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i++) {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      out[i] = (mixed ^ (mixed >>> 14)) >>> 24;
    }
    return out;
  };
}

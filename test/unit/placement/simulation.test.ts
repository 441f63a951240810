import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Candidate, CandidateTable } from '../../../node/placement/candidates.ts';
import { STRATEGY_NAMES, type StrategyName, strategyOf } from '../../../node/placement/strategies.ts';
import { candidate, placementOf } from '../../helpers/candidates.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const DRAWS = 100_000;
/** One percentage point; six standard deviations at 100,000 draws are 0.95 at most. */
const TOLERANCE = 0.01;
const WIDTH = 6;
const BYTES = 100;
const MAX_PER_REGION = 2;

/** Twelve that may be drawn, unlike in all that strategies look at. */
const NETWORK: readonly Candidate[] = Array.from({ length: 12 }, (_, i) =>
  candidate(String(i), {
    free: 200 + 150 * i,
    region: ['eu', 'us', 'ap'][i % 3] as string,
    subnet: `10.0.${i % 10}.0/24`,
    reputation: 0.1 + 0.075 * ((i * 5) % 12),
    vetted: i % 4 !== 0,
  }),
);

/** Peers that must never be drawn, each attractive but for one thing. */
const TEMPTING: readonly Candidate[] = (
  [
    { banned: true },
    { listing: 'denied' },
    { listing: 'not-allowed' },
    { disqualified: true },
    { suspended: true },
    { integrity: 0.29 },
    { online: false },
    { free: BYTES - 1 },
  ] as const
).map((flaw, i) => candidate(String(50 + i), { free: 1000, reputation: 1, vetted: true, ...flaw }));

const AB = { reputation: 0.6, freeSpace: 0.4 };

/** The documented formulas once more, in their plainest form. */
function expected(name: StrategyName): number[] {
  const frees = NETWORK.map(({ free }) => free).sort((a, b) => a - b);
  const top = Math.min(Math.max(...frees), 4 * (frees[6] as number));
  const s = NETWORK.map(({ free }) => Math.min(1, free / top));
  const regionSum = (region: string) =>
    s.filter((_, i) => NETWORK[i]?.region === region).reduce((sum, share) => sum + share, 0);
  const weights = NETWORK.map(({ reputation, region }, i) => {
    const share = s[i] as number;
    const formulas = {
      random: 1,
      load: share,
      reputation,
      hybrid: AB.reputation * reputation + AB.freeSpace * share,
      geographic: share / regionSum(region),
    };
    return formulas[name];
  });
  const sumOf = (vetted: boolean) =>
    weights.filter((_, i) => NETWORK[i]?.vetted === vetted).reduce((sum, weight) => sum + weight, 0);
  const chanceOfNewcomers = Math.min(0.1, sumOf(false) / (sumOf(false) + sumOf(true)));
  return weights.map((weight, i) =>
    NETWORK[i]?.vetted === true
      ? (weight / sumOf(true)) * (1 - chanceOfNewcomers)
      : (weight / sumOf(false)) * chanceOfNewcomers,
  );
}

for (const name of STRATEGY_NAMES) {
  test(`${name}: over ${DRAWS} first draws everyone gets the share that the weights say, within a point`, () => {
    const placement = placementOf([...NETWORK, ...TEMPTING], { seed: 7, strategy: strategyOf(name, AB) });
    const counts = new Map<string, number>();
    for (let i = 0; i < DRAWS; i++) {
      const [peer = ''] = placement.select({ count: 1, bytesEach: BYTES }).peers;
      counts.set(peer, (counts.get(peer) ?? 0) + 1);
    }
    const chances = expected(name);
    for (const [i, { peer }] of NETWORK.entries()) {
      const share = (counts.get(peer) ?? 0) / DRAWS;
      assert.ok(Math.abs(share - (chances[i] as number)) < TOLERANCE, `${peer}: ${share} for ${chances[i]}`);
    }
    assert.ok([...counts.keys()].every((peer) => Number(peer) < 50));
  });
}

test(`over ${DRAWS} draws of holders of stripes every constraint holds in all, and first draws keep their shares`, () => {
  const all = [...NETWORK, ...TEMPTING];
  const placement = placementOf(all, { seed: 11 });
  const byPeer = new Map(all.map((one) => [one.peer, one]));
  const first = new Map<string, number>();
  const stripes = Math.ceil(DRAWS / WIDTH);
  for (let i = 0; i < stripes; i++) {
    const { peers, warnings } = placement.select({ count: WIDTH, bytesEach: BYTES, maxPerRegion: MAX_PER_REGION });
    const drawn = peers.map((peer) => byPeer.get(peer) as Candidate);
    assert.deepEqual(warnings, []);
    assert.equal(new Set(peers).size, WIDTH);
    assert.equal(new Set(drawn.map(({ subnet }) => subnet)).size, WIDTH);
    assert.ok(peers.every((peer) => Number(peer) < 50));
    for (const region of ['eu', 'us', 'ap'])
      assert.equal(drawn.filter((one) => one.region === region).length, MAX_PER_REGION);
    assert.ok(drawn.filter(({ vetted }) => !vetted).length <= 1);
    first.set(peers[0] ?? '', (first.get(peers[0] ?? '') ?? 0) + 1);
  }
  // Six standard deviations of a share at that many stripes.
  const tolerance = 6 * Math.sqrt(0.25 / stripes);
  for (const [i, chance] of expected('hybrid').entries()) {
    assert.ok(Math.abs((first.get(String(i)) ?? 0) / stripes - chance) < tolerance);
  }
});

test('hybrid sends new shards past a peer whose integrity failed, as long as it is suspended', async () => {
  const clock = new ManualClock();
  const good = { integrity: 0.9, availability: 0.9, vetted: true, integrityFailedAt: undefined, disqualified: false };
  // One invalid proof takes a newcomer from 0.5 to 0.3, which is not below the minimum.
  const failed = { ...good, integrity: 0.3, integrityFailedAt: clock.now() };
  const candidates = new CandidateTable({
    clock,
    maxAgeMs: Number.POSITIVE_INFINITY,
    standingOf: (peer) => (peer === '7' ? failed : good),
  });
  for (let i = 1; i <= 7; i++) {
    // It declares ten times as much room as the others.
    const free = (i === 7 ? 10 : 1) * 1e12;
    candidates.advertised({ peer: String(i), capacity: free, free, region: '', addresses: [] });
    candidates.connected(String(i), `/ip4/10.0.${i}.1/tcp/1`);
  }
  const placement = placementOf([], { seed: 3, candidates });
  const sent = (stripes: number) => {
    let to7 = 0;
    for (let i = 0; i < stripes; i++)
      to7 += Number(placement.select({ count: WIDTH, bytesEach: 1 }).peers.includes('7'));
    return to7 / (stripes * WIDTH);
  };
  assert.equal(sent(Math.ceil(DRAWS / WIDTH)), 0, 'none of 100,000 shards: more than the 95 % asked for');
  assert.throws(() => placement.select({ count: 7, bytesEach: 1 }), {
    type: { code: 'too-few-peers', needed: 7, present: 6 },
  });
  await clock.advance(30 * 24 * 60 * 60_000);
  assert.ok(sent(100) > 0, 'afterwards only its score counts');
});

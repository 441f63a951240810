import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Candidate } from '../../../node/placement/candidates.ts';
import { Placement } from '../../../node/placement/select.ts';
import { drawIndex, type StrategyName, strategyOf } from '../../../node/placement/strategies.ts';

/** Deterministic random bytes. */
function randomOf(seed: number): (bytes: number) => Uint8Array {
  let counter = 0;
  return (bytes) => createHash('sha256').update(`${seed} ${counter++}`).digest().subarray(0, bytes);
}

function placementOf(candidates: readonly Candidate[], seed = 1, strategy: StrategyName = 'hybrid'): Placement {
  const table = {
    promised: () => {},
    list: () => [...candidates],
    get: (peer: string) => candidates.find((one) => one.peer === peer),
  };
  return new Placement({ candidates: table, self: 'self', strategy: strategyOf(strategy), random: randomOf(seed) });
}

function candidate(peer: string, changes: Partial<Candidate> = {}): Candidate {
  const subnet = `10.0.${peer}.0/24`;
  const base = { capacity: 1000, free: 1000, region: '', online: true, banned: false, reputation: 0.5 };
  return { peer, subnet, ...base, ...changes };
}

const anyCandidates = fc
  .array(
    fc.record({
      free: fc.integer({ min: 0, max: 2000 }),
      region: fc.constantFrom('', 'eu', 'us', 'ap'),
      subnet: fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { nil: undefined }),
      online: fc.boolean(),
      banned: fc.boolean(),
      reputation: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    { maxLength: 30 },
  )
  .map((list) => list.map((changes, i) => candidate(i === 0 ? 'self' : String(i), changes)));

test('every draw keeps the constraints; a draw that cannot says how many peers are there', () => {
  fc.assert(
    fc.property(
      anyCandidates,
      fc.integer({ min: 0, max: 8 }),
      fc.integer(),
      fc.constantFrom<StrategyName>('random', 'load', 'hybrid'),
      (candidates, count, seed, strategy) => {
        const exclude = ['3', '7'];
        const fit = candidates.filter(
          ({ peer, online, banned, free, reputation }) =>
            online && !banned && free >= 500 && reputation >= 0.3 && !['self', ...exclude].includes(peer),
        );
        const placement = placementOf(candidates, seed, strategy);
        const request = { count, exclude, bytesEach: 500, maxPerRegion: 2 };
        if (fit.length < count) {
          const type = { code: 'too-few-peers', needed: count, present: fit.length };
          assert.throws(() => placement.select(request), { type });
          return;
        }
        const { peers, warnings } = placement.select(request);
        const drawn = peers.map((peer) => fit.find((one) => one.peer === peer) as Candidate);
        assert.equal(drawn.length, count);
        assert.equal(new Set(peers).size, count);
        assert.ok(drawn.every((one) => one !== undefined));
        const known = drawn.flatMap(({ subnet }) => subnet ?? []);
        const subnetsShared = known.length - new Set(known).size;
        const room =
          new Set(fit.flatMap(({ subnet }) => subnet ?? [])).size +
          fit.filter(({ subnet }) => subnet === undefined).length;
        if (room >= count) assert.equal(subnetsShared, 0, 'a subnet is shared though the network is large enough');
        assert.equal(
          warnings.some((warning) => warning.includes('subnet')),
          subnetsShared > 0,
        );
        const crowded = ['eu', 'us', 'ap'].some((region) => drawn.filter((one) => one.region === region).length > 2);
        assert.equal(
          warnings.some((warning) => warning.includes('region')),
          crowded,
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('a replacement keeps apart from who stays', () => {
  const candidates = [
    candidate('1', { subnet: 'x' }),
    candidate('2', { subnet: 'x' }),
    candidate('3', { subnet: 'y' }),
    candidate('4', { subnet: 'z', region: 'eu' }),
    candidate('5', { subnet: 'y', region: 'eu' }),
  ];
  for (let seed = 0; seed < 40; seed++) {
    const placement = placementOf(candidates, seed);
    assert.ok(['3', '4', '5'].includes(placement.select({ count: 1, beside: ['1'], bytesEach: 1 }).peers[0] ?? ''));
    const other = placement.select({ count: 1, beside: ['1', '4'], bytesEach: 1, maxPerRegion: 1 });
    assert.deepEqual(other, { peers: ['3'], warnings: [] });
  }
});

test('the draw follows the weights', () => {
  const weights = [1, 2, 5, 0.5, 1.5];
  const counts = weights.map(() => 0);
  const steps = 10_000;
  for (let i = 0; i < steps; i++) {
    const index = drawIndex(weights, (i + 0.5) / steps);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  // A regular grid over [0, 1) hits each interval in proportion to its length.
  assert.deepEqual(
    counts,
    weights.map((weight) => (weight / 10) * steps),
  );
  assert.equal(drawIndex([1, 1], 1 - Number.EPSILON / 2), 1);
});

test('who is first to be drawn is as likely as its weight says', () => {
  const candidates = [candidate('1', { free: 100 }), candidate('2', { free: 200 }), candidate('3', { free: 300 })];
  const placement = placementOf(candidates, 5, 'load');
  const counts = new Map<string, number>();
  const draws = 12_000;
  for (let i = 0; i < draws; i++) {
    const [first] = placement.select({ count: 2, bytesEach: 1 }).peers;
    counts.set(first ?? '', (counts.get(first ?? '') ?? 0) + 1);
  }
  for (const [peer, share] of [
    ['1', 1 / 6],
    ['2', 2 / 6],
    ['3', 3 / 6],
  ] as const) {
    // Five standard deviations of a binomial count: the seed is fixed, so that this passes always or never.
    assert.ok(Math.abs((counts.get(peer) ?? 0) - draws * share) < 5 * Math.sqrt(draws * share * (1 - share)));
  }
});

test('strategies: weights are positive, free space is capped, reputation counts in hybrid', () => {
  const honest = Array.from({ length: 9 }, (_, i) => candidate(String(i), { free: 1000 }));
  const hoarder = candidate('hoarder', { free: 1e15 });
  const shares = strategyOf('load')([...honest, hoarder]);
  assert.equal(shares.at(-1), 1);
  assert.equal(shares[0], 0.25, 'a declared petabyte counts for no more than four times the median');
  const [good, bad] = strategyOf('hybrid')([candidate('a', { reputation: 1 }), candidate('b', { reputation: 0.3 })]);
  assert.ok(Math.abs((good ?? 0) - 1) < 1e-12 && Math.abs((bad ?? 0) - 0.58) < 1e-12);
  fc.assert(
    fc.property(anyCandidates, fc.constantFrom<StrategyName>('random', 'load', 'hybrid'), (candidates, name) => {
      const weights = strategyOf(name)(candidates);
      assert.equal(weights.length, candidates.length);
      for (const weight of weights) assert.ok(weight > 0 && Number.isFinite(weight));
    }),
  );
});

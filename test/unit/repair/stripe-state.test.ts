import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  countStripe,
  lostShards,
  marginOf,
  type ShardHolder,
  type ShardState,
  shardStates,
  stripeState,
} from '../../../node/repair/stripe-state.ts';

const answers = (peer: string, subnet?: string): ShardHolder => ({ peer, subnet, standing: 'answers' });
const away = (peer: string): ShardHolder => ({ peer, standing: 'away' });
const lost = (peer: string): ShardHolder => ({ peer, standing: 'lost' });

const cases: readonly [name: string, shards: readonly (readonly ShardHolder[])[], expected: readonly ShardState[]][] = [
  ['no shards', [], []],
  ['only claimed', [[answers('a', '1')], [{ peer: 'b', subnet: '2', standing: 'claims' }]], ['healthy', 'lost']],
  ['one holder each', [[answers('a', '1')], [answers('b', '2')]], ['healthy', 'healthy']],
  ['nobody ever had it', [[]], ['lost']],
  ['away', [[away('a')]], ['suspected']],
  ['known to be lost', [[lost('a')]], ['lost']],
  ['one is away, one has lost it', [[lost('a'), away('b')]], ['suspected']],
  ['one answers, one is away', [[away('a'), answers('b')]], ['healthy']],
  ['two in one subnet', [[answers('a', '1')], [answers('b', '1')]], ['healthy', 'clumped']],
  ['two at one peer', [[answers('a')], [answers('a')]], ['healthy', 'clumped']],
  ['unknown subnets bind nothing', [[answers('a')], [answers('b')]], ['healthy', 'healthy']],
  [
    'a second copy elsewhere frees the subnet',
    [[answers('a', '1'), answers('c', '2')], [answers('b', '1')]],
    ['healthy', 'healthy'],
  ],
  [
    'along a chain of copies',
    [[answers('a', '1'), answers('b', '2')], [answers('c', '1'), answers('d', '3')], [answers('e', '1')]],
    ['healthy', 'healthy', 'healthy'],
  ],
];

const holder = fc.record({
  peer: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  subnet: fc.option(fc.constantFrom('1', '2', '3', '4'), { nil: undefined }),
  standing: fc.constantFrom('answers', 'away', 'lost'),
} satisfies Record<keyof ShardHolder, unknown>);
const stripes = fc.array(fc.array(holder, { maxLength: 3 }), { minLength: 1, maxLength: 8 });

/** The most shards that can have a place of their own, by trying all choices. */
function mostApart(places: readonly (readonly string[])[], taken: ReadonlySet<string> = new Set()): number {
  const [first, ...rest] = places;
  if (first === undefined) return 0;
  const without = mostApart(rest, taken);
  const free = first.filter((place) => !taken.has(place));
  return Math.max(without, ...free.map((place) => 1 + mostApart(rest, new Set([...taken, place]))));
}

describe('states of shards', () => {
  for (const [name, shards, expected] of cases) {
    test(name, () => assert.deepEqual(shardStates(shards), expected));
  }

  test('a shard is there when somebody answers for it, and suspected when at best somebody is away', () => {
    fc.assert(
      fc.property(stripes, (shards) => {
        for (const [i, state] of shardStates(shards).entries()) {
          const standings = (shards[i] ?? []).map(({ standing }) => standing);
          const there = state === 'healthy' || state === 'clumped';
          assert.equal(there, standings.includes('answers'));
          if (!there) assert.equal(state, standings.includes('away') ? 'suspected' : 'lost');
        }
      }),
    );
  });

  test('no fewer shards are clumped than must be', () => {
    fc.assert(
      fc.property(stripes, (shards) => {
        const places = shards.map((holders) =>
          holders.filter(({ standing }) => standing === 'answers').map(({ peer, subnet }) => subnet ?? `peer ${peer}`),
        );
        const apart = shardStates(shards).filter((state) => state === 'healthy').length;
        assert.equal(apart, mostApart(places));
      }),
    );
  });
});

describe('state of a stripe', () => {
  const states: readonly [expected: string, shards: readonly ShardState[]][] = [
    ['healthy', ['healthy', 'healthy', 'healthy']],
    ['clumped', ['healthy', 'clumped', 'healthy']],
    ['suspected', ['healthy', 'clumped', 'suspected']],
    ['degraded', ['healthy', 'healthy', 'lost']],
    ['lost', ['healthy', 'suspected', 'suspected']],
    ['lost', ['healthy', 'lost', 'lost']],
  ];
  for (const [expected, shards] of states) {
    test(`${shards.join(', ')} of 2+1 is ${expected}`, () =>
      assert.equal(stripeState(countStripe(2, shards)), expected));
  }

  test('every shard is counted once', () => {
    fc.assert(
      fc.property(stripes, fc.nat({ max: 8 }), (shards, needed) => {
        const counts = countStripe(needed, shardStates(shards));
        assert.equal(counts.healthy + counts.suspected + lostShards(counts), shards.length);
        assert.ok(counts.clumped <= counts.healthy);
        assert.equal(marginOf(counts) < 0, stripeState(counts) === 'lost');
      }),
    );
  });
});

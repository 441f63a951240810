import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Candidate, CandidateTable } from '../../../node/placement/candidates.ts';
import { anyCandidates, anyStrategy, candidate, NEUTRAL_STANDING, placementOf } from '../../helpers/candidates.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const BYTES = 500;
const EXCLUDE = ['3', '7'];

/** Written out once more, so that a constraint that gets lost is noticed. */
function mayBeDrawn(one: Candidate): boolean {
  return (
    one.online &&
    !one.banned &&
    one.listing === undefined &&
    !one.disqualified &&
    !one.suspended &&
    one.integrity >= 0.3 &&
    one.free >= BYTES &&
    !['self', ...EXCLUDE].includes(one.peer)
  );
}

test('every draw keeps the constraints; a draw that cannot says how many peers are there', () => {
  fc.assert(
    fc.property(
      anyCandidates,
      fc.integer({ min: 0, max: 8 }),
      fc.integer(),
      anyStrategy,
      (candidates, count, seed, name) => {
        const fit = candidates.filter(mayBeDrawn);
        const placement = placementOf(candidates, { seed, name });
        const request = { count, exclude: EXCLUDE, bytesEach: BYTES, maxPerRegion: 2 };
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
        const subnetsShared = drawn.length - new Set(drawn.map(({ subnet }) => subnet)).size;
        const room = new Set(fit.map(({ subnet }) => subnet)).size;
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
    { numRuns: 500 },
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
    const placement = placementOf(candidates, { seed });
    assert.ok(['3', '4', '5'].includes(placement.select({ count: 1, beside: ['1'], bytesEach: 1 }).peers[0] ?? ''));
    const other = placement.select({ count: 1, beside: ['1', '4'], bytesEach: 1, maxPerRegion: 1 });
    assert.deepEqual(other, { peers: ['3'], warnings: [] });
  }
  const crowded = placementOf(candidates.slice(0, 2)).select({ count: 1, beside: ['1'], bytesEach: 1 });
  const warnings = ['the network is too small to keep 2 holders apart: some share a subnet'];
  assert.deepEqual(crowded, { peers: ['2'], warnings });
});

test('who stays counts by its connection and its standing before its advert has come', () => {
  const standingOf = (peer: string) => ({ ...NEUTRAL_STANDING, vetted: peer.startsWith('vetted') });
  const table = new CandidateTable({ clock: new ManualClock(), standingOf });
  const advertise = (peer: string, address: string) => {
    table.advertised({ peer, capacity: 1000, free: 1000, region: '', addresses: [] });
    table.connected(peer, address);
  };
  advertise('vetted near', '/ip4/10.0.1.7/tcp/1');
  advertise('vetted far', '/ip4/10.0.2.7/tcp/1');
  advertise('new', '/ip4/10.0.3.7/tcp/1');
  table.connected('stays', '/ip4/10.0.1.8/tcp/1');
  for (let seed = 0; seed < 40; seed++) {
    const placement = placementOf([], { seed, candidates: table });
    // The share of newcomers is used up by the one that stays.
    assert.deepEqual(placement.select({ count: 1, beside: ['stays'], bytesEach: 1 }), {
      peers: ['vetted far'],
      warnings: [],
    });
    // Of several that were never met none is in the way of another.
    const beside = ['vetted gone', 'vetted away'];
    assert.deepEqual(placement.select({ count: 3, beside, bytesEach: 1 }).warnings, []);
  }
});

test('a stripe has as many newcomers as its share allows, while vetted peers suffice', () => {
  const vetted = Array.from({ length: 6 }, (_, i) => candidate(`${i}`, { vetted: true }));
  const newcomers = Array.from({ length: 20 }, (_, i) => candidate(`${100 + i}`));
  const newcomersOf = (peers: readonly string[]) => peers.filter((peer) => Number(peer) >= 100).length;
  for (let seed = 0; seed < 200; seed++) {
    const select = (count: number, newcomerShare: number, from: readonly Candidate[]) =>
      newcomersOf(placementOf(from, { seed, newcomerShare }).select({ count, bytesEach: 1 }).peers);
    const all = [...vetted, ...newcomers];
    assert.ok(select(6, 0.1, all) <= 1);
    assert.equal(select(6, 0, all), 0);
    assert.ok(select(6, 0.5, all) <= 3);
    assert.ok(select(8, 0.1, all) >= 2, 'newcomers help out when vetted peers run short');
    assert.equal(select(6, 0.1, newcomers), 6, 'in a young network nobody is vetted');
    const beside = { count: 1, beside: ['0', '1', '2', '3', '100'], bytesEach: 1 };
    const [replacement = ''] = placementOf(all, { seed }).select(beside).peers;
    assert.ok(['4', '5'].includes(replacement), 'the newcomer that stays counts');
  }
});

test('a peer that was drawn before is refused once it is banned, and not for being away', () => {
  const placement = placementOf([
    candidate('1', { banned: true }),
    candidate('2', { online: false, free: 0 }),
    candidate('3', { suspended: true }),
  ]);
  assert.deepEqual(placement.refusalOf('1')?.type, { code: 'barred', peer: '1', reason: 'banned' });
  assert.equal(placement.refusalOf('2'), undefined);
  assert.deepEqual(placement.refusalOf('3')?.type, { code: 'barred', peer: '3', reason: 'integrity-failed' });
  assert.equal(placement.refusalOf('unknown'), undefined);
});

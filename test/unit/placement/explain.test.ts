import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CONSTRAINT_NAMES } from '../../../node/placement/constraints.ts';
import { anyCandidates, anyStrategy, candidate, placementOf } from '../../helpers/candidates.ts';

const request = { count: 4, bytesEach: 500, maxPerRegion: 2 };

test('who is explained to break nothing is who may be drawn, and who crowds nothing is drawn first', () => {
  fc.assert(
    fc.property(anyCandidates, anyStrategy, fc.integer(), fc.subarray(['1', '2', '3']), (list, name, seed, beside) => {
      const placement = placementOf(list, { name, seed });
      const explained = placement.explain({ ...request, beside });
      assert.equal(explained.length, list.length);
      const open = explained.filter(({ broken }) => broken.length === 0);
      assert.deepEqual(
        open.map((one) => one.candidate.peer),
        placement.eligible({ exclude: beside, bytesEach: request.bytesEach }),
      );
      if (open.length === 0) return;
      const [drawn] = placement.select({ ...request, count: 1, beside }).peers;
      const free = placement.explain({ ...request, count: 1, beside }).filter((one) => one.broken.length === 0);
      const uncrowded = free.filter(({ crowds }) => crowds.length === 0).map((one) => one.candidate.peer);
      if (uncrowded.length > 0) assert.ok(uncrowded.includes(drawn ?? ''));
    }),
    { numRuns: 300 },
  );
});

test('chances are those of the first draw: they add up to one among those that may take part', () => {
  fc.assert(
    fc.property(anyCandidates, anyStrategy, (list, name) => {
      const explained = placementOf(list, { name }).explain({ ...request, beside: ['1', '2'] });
      for (const { broken, chance, weight } of explained) {
        const takesPart = broken.every((constraint) => constraint === 'holder');
        assert.equal(chance !== undefined && weight !== undefined, takesPart);
      }
      const chances = explained.flatMap(({ chance }) => chance ?? []);
      const total = chances.reduce((sum, chance) => sum + chance, 0);
      if (chances.length > 0) assert.ok(Math.abs(total - 1) < 1e-9);
    }),
  );
});

test('every constraint has its name', () => {
  const flaws = {
    holder: {},
    excluded: {},
    banned: { banned: true },
    denied: { listing: 'denied' },
    'not-allowed': { listing: 'not-allowed' },
    disqualified: { disqualified: true },
    'integrity-failed': { suspended: true },
    'low-integrity': { integrity: 0.2999 },
    offline: { online: false },
    'no-space': { free: 499 },
  } as const;
  assert.deepEqual(Object.keys(flaws), CONSTRAINT_NAMES);
  const list = Object.entries(flaws).map(([name, flaw]) => candidate(name, flaw));
  const explained = placementOf(list).explain({ ...request, beside: ['holder'], exclude: ['excluded'] });
  for (const { candidate: one, broken } of explained) assert.deepEqual(broken, [one.peer]);
});

test('what a peer would crowd is said', () => {
  const list = [
    candidate('1', { subnet: 'x', region: 'eu' }),
    candidate('2', { subnet: 'x', region: 'eu', vetted: true }),
    candidate('3', { subnet: 'y', region: 'us', vetted: true }),
    candidate('4', { subnet: 'z', region: 'us' }),
  ];
  const explained = placementOf(list).explain({ count: 1, beside: ['1'], bytesEach: 1, maxPerRegion: 1 });
  assert.deepEqual(
    explained.slice(1).map(({ crowds }) => crowds),
    [['region', 'subnet'], [], ['newcomers']],
  );
});

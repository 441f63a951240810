import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WeightedCache } from '../../node/weighted-cache.ts';

test('what was used longest ago goes first', () => {
  const cache = new WeightedCache<number>(10);
  cache.set('a', 1, 4);
  cache.set('b', 2, 4);
  assert.equal(cache.get('a'), 1);
  cache.set('c', 3, 4);
  assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], [1, undefined, 3]);
  assert.equal(cache.weight, 8);
  cache.delete('a');
  cache.delete('a');
  assert.equal(cache.weight, 4);
});

test('what is too heavy is not kept, and replaces what was there', () => {
  const cache = new WeightedCache<number>(10);
  cache.set('a', 1, 4);
  cache.set('a', 2, 11);
  assert.equal(cache.get('a'), undefined);
  assert.deepEqual([cache.size, cache.weight], [0, 0]);
});

test('the weights are those of what is kept, and within the limit', () => {
  const entry = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), weight: fc.integer({ min: 0, max: 12 }) });
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const cache = new WeightedCache<number>(10);
      for (const { key, weight } of entries) {
        cache.set(key, weight, weight);
        const kept = ['a', 'b', 'c', 'd', 'e'].map((name) => cache.get(name)).filter((value) => value !== undefined);
        assert.equal(
          cache.weight,
          kept.reduce((sum, value) => sum + value, 0),
        );
        assert.equal(cache.size, kept.length);
        assert.ok(cache.weight <= 10);
        assert.equal(cache.get(key), weight <= 10 ? weight : undefined);
      }
    }),
  );
});

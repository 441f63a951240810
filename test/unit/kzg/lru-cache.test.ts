import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LruCache } from '../../../node/kzg/lru-cache.ts';

test('keeps at most its limit and forgets the least recently used', () => {
  const cache = new LruCache<number>(2);
  cache.set('a', 1);
  cache.set('b', 2);
  assert.equal(cache.get('a'), 1);
  cache.set('c', 3);
  assert.equal(cache.size, 2);
  assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], [1, undefined, 3]);
});

test('setting again refreshes an entry', () => {
  const cache = new LruCache<number>(2);
  cache.set('a', 1);
  cache.set('b', 2);
  cache.set('a', 4);
  cache.set('c', 3);
  assert.deepEqual([cache.get('a'), cache.get('b')], [4, undefined]);
});

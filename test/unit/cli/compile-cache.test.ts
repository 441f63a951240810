import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileCacheFolder } from '../../../cli/compile-cache.ts';

const home = () => '/home/somebody';

test('compiled modules go to a folder of the user, never to a common one', () => {
  assert.equal(compileCacheFolder({}, home), '/home/somebody/.cache/holdfast/modules');
  assert.equal(compileCacheFolder({ XDG_CACHE_HOME: '/cache' }, home), '/cache/holdfast/modules');
  assert.equal(compileCacheFolder({ XDG_CACHE_HOME: 'relative' }, home), '/home/somebody/.cache/holdfast/modules');
  assert.equal(compileCacheFolder({ NODE_COMPILE_CACHE: '/named', XDG_CACHE_HOME: '/cache' }, home), '/named');
});

test('without a home there is no cache', () => {
  const homeless = () => {
    throw new Error('no such user');
  };
  assert.equal(compileCacheFolder({}, homeless), undefined);
});

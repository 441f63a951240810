import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tooFewPeers } from '../../../node/placement/placement-error.ts';

test('too few peers are counted in plain words', () => {
  assert.match(tooFewPeers(1, 0).message, /^1 peer with free space is needed and 0 are there: /);
  assert.match(tooFewPeers(6, 1).message, /^6 peers with free space are needed and 1 is there: /);
});

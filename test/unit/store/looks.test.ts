import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Looks } from '../../../node/store/looks.ts';

test('what a batch touches counts as changed from the moment it is built until it is settled', () => {
  const looks = new Looks();
  looks.touch('a');
  const during = looks.begin(new Set(['a', 'b', 'c']));
  looks.settle();
  looks.touch('b');
  const after = looks.begin(new Set(['a', 'b']));
  looks.touch('other');
  assert.deepEqual([...during.changed], ['a', 'b']);
  assert.deepEqual([...after.changed], ['b']);
  during.end();
  looks.touch('c');
  assert.deepEqual([...during.changed], ['a', 'b']);
});

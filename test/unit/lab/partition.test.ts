import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeGroups, nodeList } from '../../../cli/node-list.ts';
import { parseNodeList } from '../../../node/lab/node-list.ts';
import { completeGroups, cutFrom, pairsAcross } from '../../../node/lab/partition.ts';

test('nodes that no group names form one more', () => {
  assert.deepEqual(completeGroups([[1, 2], [4]], 6), [[1, 2], [4], [3, 5, 6]]);
  assert.deepEqual(completeGroups([[1, 2, 3]], 3), [[1, 2, 3]]);
});

test('a node is cut from all other groups, and only from them', () => {
  const groups = [[1, 2], [4], [3, 5]];
  assert.deepEqual(cutFrom(groups, 2), [4, 3, 5]);
  assert.deepEqual(cutFrom(groups, 4), [1, 2, 3, 5]);
});

test('pairs across groups, each once', () => {
  assert.deepEqual(pairsAcross([[1, 2], [3], [4]]), [
    [1, 3],
    [2, 3],
    [1, 4],
    [2, 4],
    [3, 4],
  ]);
});

test('lists and groups of nodes are read as people write them', () => {
  assert.deepEqual(nodeList('3'), [3]);
  assert.deepEqual(nodeList('5, 1-3,2'), [1, 2, 3, 5]);
  assert.deepEqual(nodeGroups('1-2|4/6-7'), [[1, 2], [4], [6, 7]]);
  for (const text of ['', '0', '3-1', '255', 'a', '1-', '1,,2', '1.5']) {
    assert.equal(parseNodeList(text), undefined, text);
    assert.throws(() => nodeList(text), /names no nodes/);
  }
  assert.throws(() => nodeGroups('1-3/3'), /twice/);
});

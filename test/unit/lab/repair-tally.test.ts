import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RepairTally, withRepairs } from '../../../node/lab/record/repair-tally.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';

const totals = (repairs: number, placed: number) => ({
  repairs,
  failed: 1,
  placed,
  fetched: 6 * repairs,
  sent: placed,
});

test('what nodes repaired is added up, also over their restarts', () => {
  const tally = new RepairTally();
  assert.deepEqual(tally.counts(), { done: 0, failed: 0, placed: 0 });
  tally.note(1, totals(2, 4));
  tally.note(2, totals(1, 1));
  tally.note(1, totals(3, 5));
  assert.deepEqual(tally.counts(), { done: 4, failed: 2, placed: 6 });
  // Node 1 began anew.
  tally.note(1, totals(0, 0));
  tally.note(1, totals(1, 2));
  assert.deepEqual(tally.counts(), { done: 5, failed: 3, placed: 8 });
  assert.deepEqual(tally.moved(), { fetched: 30 * SHARD_BYTES, sent: 8 * SHARD_BYTES });
});

test('repairs are a part of uploads and downloads', () => {
  const traffic = { upload: 100, download: 50, audit: 3, other: 2 };
  assert.deepEqual(withRepairs(traffic, { fetched: 20, sent: 30 }), {
    upload: 70,
    download: 30,
    audit: 3,
    repair: 50,
    other: 2,
  });
  // Asked one after the other: the counts of repairs may be newer.
  assert.equal(withRepairs(traffic, { fetched: 60, sent: 0 }).download, 0);
});

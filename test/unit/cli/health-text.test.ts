import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeHealth } from '../../../cli/commands/files.ts';
import type { FileHealth } from '../../../node/api/services.ts';

const health = (more: Partial<FileHealth>): FileHealth => ({
  root: 'root',
  size: 1,
  code: { name: 'fr-lagrange', k: 4, m: 2 },
  verdict: 'degraded',
  stripes: 3,
  shards: 18,
  presentShards: 18,
  degradedStripes: 0,
  lostStripes: 0,
  suspectedShards: 0,
  clumpedShards: 0,
  minimumMargin: 2,
  daysToLoss: 9,
  holders: 6,
  checkedAt: 0,
  worst: [],
  ...more,
});

test('lost, suspected and clumped shards are told apart', () => {
  const degraded = { presentShards: 13, degradedStripes: 2, suspectedShards: 2, clumpedShards: 1, minimumMargin: 0 };
  assert.equal(
    describeHealth(health(degraded)),
    'degraded: 2 of 3 stripes lack shards, at worst 0 above what is needed; ' +
      '3 shards lost, 2 shards suspected: holders are away, 1 shard clumped in a subnet',
  );
  assert.equal(
    describeHealth(health({ ...degraded, verdict: 'lost', lostStripes: 1, clumpedShards: 0 })),
    'lost: 1 of 3 stripes cannot be rebuilt now; 3 shards lost, 2 shards suspected: holders are away',
  );
  assert.equal(
    describeHealth(health({ verdict: 'healthy', clumpedShards: 2 })),
    'healthy: every shard is present, 2 more than needed; 2 shards clumped in a subnet',
  );
});

test('a file whose holders are away does not read as if something of it were lost', () => {
  const text = describeHealth(health({ presentShards: 16, degradedStripes: 2, suspectedShards: 2, minimumMargin: 1 }));
  assert.equal(
    text,
    'degraded: nothing is lost, holders of 2 of 3 stripes are away, at worst 1 above what is needed; ' +
      '2 shards suspected: holders are away',
  );
});

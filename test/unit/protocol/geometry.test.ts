import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FRAME_BYTES, MAX_SEGMENT_DATA_SHARDS, SHARD_BYTES } from '../../../protocol/constants.ts';
import {
  dataShardCount,
  type Layout,
  segmentCount,
  shardIndex,
  shardPosition,
  stripeCount,
  stripeGeometry,
  stripesPerSegment,
} from '../../../protocol/geometry.ts';

const code = fc
  .tuple(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 1, max: 24 }))
  .map(([k, m]) => ({ id: 1 as const, k, m }));
const layout: fc.Arbitrary<Layout> = fc.record({
  payload: fc.constantFrom('packed31' as const, 'raw4844' as const),
  size: fc.oneof(
    fc.nat({ max: 400 * FRAME_BYTES }),
    fc.nat({ max: 2 ** 31 - 1 }).map((n) => n * 100),
  ),
  code,
});

test('data shards', () => {
  const packed = (size: number) => dataShardCount({ payload: 'packed31', size });
  assert.deepEqual([0, 1, FRAME_BYTES, FRAME_BYTES + 1].map(packed), [1, 1, 1, 2]);
  const raw = (size: number) => dataShardCount({ payload: 'raw4844', size });
  assert.deepEqual([0, 1, SHARD_BYTES, SHARD_BYTES + 1].map(raw), [1, 1, 1, 2]);
  // Division of doubles would round this one down.
  const n = 70_000_000_000;
  assert.equal(packed(n * FRAME_BYTES + 1), n + 1);
});

test('the segments of an object list each data shard once', () => {
  fc.assert(
    fc.property(layout, (object) => {
      const segments = Array.from({ length: segmentCount(object) }, (_, i) => stripeGeometry(object, i));
      assert.equal(
        segments.reduce((sum, { dataShards }) => sum + dataShards, 0),
        dataShardCount(object),
      );
      assert.equal(
        segments.reduce((sum, { stripes }) => sum + stripes, 0),
        stripeCount(object),
      );
      const { k } = object.code;
      for (const [i, { index, firstStripe, stripes, lastDataCount, dataShards }] of segments.entries()) {
        assert.equal(index, i);
        assert.equal(firstStripe, i * stripesPerSegment(object.code));
        assert.ok(dataShards <= MAX_SEGMENT_DATA_SHARDS && lastDataCount >= 1 && lastDataCount <= k);
        assert.equal(dataShards, (stripes - 1) * k + lastDataCount);
        if (i < segments.length - 1) assert.equal(lastDataCount, k);
      }
    }),
  );
});

test('there is no segment past the end', () => {
  const object: Layout = { payload: 'packed31', size: 1, code: { id: 1, k: 4, m: 2 } };
  for (const index of [-1, 1, 0.5]) assert.throws(() => stripeGeometry(object, index), RangeError);
});

test('indices and positions', () => {
  fc.assert(
    fc.property(code, fc.nat({ max: 1000 }), fc.nat({ max: 63 }), (parameters, stripe, anywhere) => {
      const position = anywhere % (parameters.k + parameters.m);
      assert.deepEqual(shardPosition(parameters, shardIndex(parameters, stripe, position)), { stripe, position });
    }),
  );
});

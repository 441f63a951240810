import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isConstantShard, packPayload, unpackPayload } from '../../../protocol/blob.ts';
import { PAYLOAD_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { ContentError, type ContentErrorType } from '../../../protocol/content-error.ts';
import { sha256Hex, stream, vectorContent, vectors } from './content-vectors.ts';

function refusal(type: ContentErrorType): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ContentError);
    assert.deepEqual(error.type, type);
    return true;
  };
}

const bytes = stream('holdfast test: blob', PAYLOAD_BYTES);
const lengths = fc.oneof(
  fc.nat(PAYLOAD_BYTES),
  fc.constantFrom(0, 1, 30, 31, 32, 62, PAYLOAD_BYTES - 31, PAYLOAD_BYTES - 1, PAYLOAD_BYTES),
);

test('the vectors: data shards', () => {
  assert.deepEqual(vectorContent().shards.map(sha256Hex), vectors.content.shardSha256);
});

test('element j is a zero byte and 31 payload bytes', () => {
  const shard = packPayload(bytes);
  for (const j of [0, 1, 4095]) {
    assert.equal(shard[32 * j], 0);
    assert.deepEqual(shard.slice(32 * j + 1, 32 * j + 32), bytes.slice(31 * j, 31 * j + 31));
  }
});

test('what is packed unpacks again, into new or dirty buffers alike', () => {
  fc.assert(
    fc.property(lengths, (length) => {
      const payload = bytes.subarray(0, length);
      const shard = packPayload(payload, new Uint8Array(SHARD_BYTES).fill(0xee));
      assert.equal(Buffer.compare(shard, packPayload(payload)), 0);
      assert.equal(Buffer.compare(unpackPayload(shard, length), payload), 0);
      const out = new Uint8Array(PAYLOAD_BYTES).fill(0xee);
      assert.equal(Buffer.compare(unpackPayload(shard, length, out), payload), 0);
      assert.ok(out.subarray(length).every((byte) => byte === 0xee));
    }),
    { numRuns: 60 },
  );
});

test('an element of 2^248 or more is refused wherever it is', () => {
  fc.assert(
    fc.property(fc.nat(4095), fc.integer({ min: 1, max: 255 }), lengths, (element, high, length) => {
      const shard = new Uint8Array(SHARD_BYTES);
      shard[32 * element] = high;
      assert.throws(() => unpackPayload(shard, length), refusal({ code: 'element-too-large', element }));
    }),
  );
});

test('a byte behind the payload is refused wherever it is, and no byte of the payload is', () => {
  fc.assert(
    fc.property(lengths, fc.nat(PAYLOAD_BYTES - 1), (length, at) => {
      const payload = new Uint8Array(PAYLOAD_BYTES);
      payload[at] = 1;
      const shard = packPayload(payload);
      if (at < length) assert.equal(unpackPayload(shard, length)[at], 1);
      else {
        const type = { code: 'non-zero-padding', element: Math.floor(at / 31) } as const;
        assert.throws(() => unpackPayload(shard, length), refusal(type));
      }
    }),
  );
});

test('buffers of another size are refused', () => {
  const short = { code: 'invalid-length', expected: SHARD_BYTES, length: SHARD_BYTES - 1 } as const;
  const long = { code: 'invalid-length', expected: PAYLOAD_BYTES, length: PAYLOAD_BYTES + 1 } as const;
  assert.throws(() => packPayload(new Uint8Array(PAYLOAD_BYTES + 1)), refusal(long));
  assert.throws(() => packPayload(bytes, new Uint8Array(SHARD_BYTES - 1)), refusal(short));
  assert.throws(() => unpackPayload(new Uint8Array(SHARD_BYTES - 1), 1), refusal(short));
  assert.throws(() => unpackPayload(new Uint8Array(SHARD_BYTES), PAYLOAD_BYTES + 1), refusal(long));
  assert.throws(() => unpackPayload(new Uint8Array(SHARD_BYTES), -1), ContentError);
  assert.throws(
    () => unpackPayload(new Uint8Array(SHARD_BYTES), 10, new Uint8Array(9)),
    refusal({ code: 'invalid-length', expected: 10, length: 9 }),
  );
});

test('a constant shard is one whose elements are all equal', () => {
  assert.equal(isConstantShard(new Uint8Array(SHARD_BYTES)), true);
  const element = stream('element', 31);
  const constant = packPayload(Uint8Array.from({ length: PAYLOAD_BYTES }, (_, i) => element[i % 31] as number));
  assert.equal(isConstantShard(constant), true);
  fc.assert(
    fc.property(fc.nat(SHARD_BYTES - 1), (at) => {
      const shard = constant.slice();
      shard[at] = (shard[at] as number) ^ 1;
      assert.equal(isConstantShard(shard), false);
    }),
    { numRuns: 30 },
  );
  assert.throws(() => isConstantShard(new Uint8Array(32)), ContentError);
});

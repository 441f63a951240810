import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccumulatorFactory } from '../../../node/kzg/blob-accumulator.ts';
import { knownBlob } from '../../../node/kzg/known-answer.ts';
import { LinearMapper } from '../../../node/kzg/linear-map.ts';
import { PlainSum, plainMapper } from '../../../node/kzg/plain-sum.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { FR_MODULUS } from '../../../protocol/field.ts';

const blobs = [knownBlob(5n), knownBlob(FR_MODULUS - 2n)];
const rows = [
  [FR_MODULUS - 1n, -3n],
  [0n, FR_MODULUS / 3n],
];

test('plain integers give what the kernel gives', () => {
  assert.deepEqual(plainMapper.map(rows, blobs), new LinearMapper().map(rows, blobs));
  const [plain, kernel] = [new PlainSum(), new AccumulatorFactory().create()];
  for (const sum of [plain, kernel]) {
    for (const [i, blob] of blobs.entries()) sum.add(rows[0]?.[i] as bigint, blob);
  }
  assert.deepEqual(plain.finish(), kernel.finish());
});

test('they refuse what the kernel refuses, and keep the sum', () => {
  const bad = new Uint8Array(SHARD_BYTES).fill(255, 32 * 7, 32 * 8);
  const sum = new PlainSum();
  sum.add(1n, blobs[0] as Uint8Array);
  assert.throws(() => sum.add(1n, bad), {
    code: 'non-canonical-element',
    type: { code: 'non-canonical-element', element: 7 },
  });
  assert.throws(() => sum.add(1n, new Uint8Array(3)), { code: 'invalid-length' });
  assert.throws(() => plainMapper.map([[0n]], [bad]), { code: 'non-canonical-element' });
  assert.throws(() => plainMapper.map([[0n, 1n]], [bad]), { code: 'invalid-argument' });
  assert.deepEqual(sum.finish(), blobs[0]);
  assert.throws(() => sum.finish(), { code: 'invalid-argument' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodeError } from '../../../protocol/code.ts';
import { replicaCode } from '../../../protocol/codes/replica.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';

const code = replicaCode();
const shard = new Uint8Array(SHARD_BYTES).fill(1);

test('parity shards and commitments are copies, none for m = 0', async () => {
  assert.deepEqual(await code.encode([shard], 1, 2), [shard, shard]);
  assert.deepEqual(await code.encode([shard], 1, 0), []);
  const commitment = new Uint8Array(48).fill(2);
  assert.deepEqual(await code.parityCommitments?.([commitment], 1, 2), [commitment, commitment]);
  assert.deepEqual(await code.parityCommitment?.([commitment], 1, 2, 1), commitment);
  await assert.rejects(async () => code.parityCommitment?.([commitment], 1, 2, 2), CodeError);
});

test('any copy gives back all', async () => {
  for (const index of [0, 1, 2]) {
    const have = new Map([[index, shard]]);
    assert.deepEqual(await code.reconstruct({ k: 1, m: 2, dataCount: 1, have, want: [0, 1, 2] }), [
      shard,
      shard,
      shard,
    ]);
  }
});

test('no copy, two data shards and k other than 1 are refused', async () => {
  const none = { k: 1, m: 1, dataCount: 1, have: new Map<number, Uint8Array>(), want: [0] };
  await assert.rejects(code.reconstruct(none), { type: { code: 'not-enough-shards', needed: 1, present: 0 } });
  await assert.rejects(code.encode([shard, shard], 1, 1), CodeError);
  await assert.rejects(code.encode([shard], 2, 1), CodeError);
  await assert.rejects(async () => code.parityCommitments?.([], 1, 1), CodeError);
});

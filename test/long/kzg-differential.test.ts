import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import cKzg from 'c-kzg';
import { createCommitmentKernel } from '../../node/kzg/wasm/create-commitment-kernel.ts';
import { toHex } from '../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { randomBlob } from '../helpers/edge-blobs.ts';
import { nativeKernel, withoutNative } from '../helpers/kernels.ts';

const BLOBS = 10_000;

/** Repeatable, so that a failure can be looked at: SHAKE256 of the number. */
const blob = (index: number) =>
  randomBlob((count) => createHash('shake256', { outputLength: count }).update(`blob ${index}`).digest());

test(`${BLOBS} random blobs: native and WebAssembly commit and open like c-kzg`, { skip: withoutNative }, async () => {
  cKzg.loadTrustedSetup(0);
  const native = nativeKernel();
  const wasm = await createCommitmentKernel();
  for (let i = 0; i < BLOBS; i++) {
    const input = blob(i);
    const expected = toHex(cKzg.blobToKzgCommitment(input));
    assert.equal(toHex(await native.commit(input)), expected, `native, blob ${i}`);
    assert.equal(toHex(wasm.commit(input)), expected, `WebAssembly, blob ${i}`);
    if (i % 10 !== 0) continue;
    const z = input.subarray(SHARD_BYTES - 32);
    const opening = cKzg.computeKzgProof(input, z).map(toHex);
    const fromNative = await native.open(input, z);
    assert.deepEqual([toHex(fromNative.proof), toHex(fromNative.y)], opening, `native, opening of blob ${i}`);
    const fromWasm = wasm.open(input, z);
    assert.deepEqual([toHex(fromWasm.proof), toHex(fromWasm.y)], opening, `WebAssembly, opening of blob ${i}`);
  }
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Opening } from '../../node/kzg/engine.ts';
import type { CommitAndOpen } from '../../node/kzg/known-answer.ts';
import { createCommitmentKernel } from '../../node/kzg/wasm/create-commitment-kernel.ts';
import { toHex } from '../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { randomBlob } from '../helpers/edge-blobs.ts';
import { nativeKernel, withoutNative } from '../helpers/kernels.ts';
import { LIBRARIES, referenceLibrary } from '../helpers/libraries.ts';

const BLOBS = 10_000;

/** Repeatable, so that a failure can be looked at: SHAKE256 of the number. */
const blob = (index: number) =>
  randomBlob((count) => createHash('shake256', { outputLength: count }).update(`blob ${index}`).digest());

const inHex = ({ y, proof }: Opening) => ({ y: toHex(y), proof: toHex(proof) });

test(`${BLOBS} random blobs: WebAssembly, and native where it was built, commit and open like ${LIBRARIES[0]}`, async () => {
  const library = await referenceLibrary();
  const wasm: CommitAndOpen = await createCommitmentKernel();
  const kernels = Object.entries({ wasm, ...(withoutNative === false && { native: nativeKernel() }) });
  for (let i = 0; i < BLOBS; i++) {
    const input = blob(i);
    const expected = toHex(library.commit(input));
    for (const [name, kernel] of kernels)
      assert.equal(toHex(await kernel.commit(input)), expected, `${name}, blob ${i}`);
    if (i % 10 !== 0) continue;
    const z = input.subarray(SHARD_BYTES - 32);
    const opening = inHex(library.open(input, z));
    for (const [name, kernel] of kernels)
      assert.deepEqual(inHex(await kernel.open(input, z)), opening, `${name}, blob ${i}`);
  }
});

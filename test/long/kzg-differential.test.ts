import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { loadBackend } from '../../node/kzg/backend.ts';
import type { Opening } from '../../node/kzg/engine.ts';
import type { CommitAndOpen } from '../../node/kzg/known-answer.ts';
import { createCommitmentKernel } from '../../node/kzg/wasm/create-commitment-kernel.ts';
import { toHex } from '../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { randomBlob } from '../helpers/edge-blobs.ts';
import { nativeBuilds } from '../helpers/kernels.ts';
import { LIBRARIES, referenceLibrary } from '../helpers/libraries.ts';

const BLOBS = 10_000;

/** Repeatable, so that a failure can be looked at: SHAKE256 of the number. */
const blob = (index: number) =>
  randomBlob((count) => createHash('shake256', { outputLength: count }).update(`blob ${index}`).digest());

const inHex = ({ y, proof }: Opening) => ({ y: toHex(y), proof: toHex(proof) });

test(`${BLOBS} random blobs: WebAssembly, every native build and every library commit and open like ${LIBRARIES[0]}`, async () => {
  const library = await referenceLibrary();
  const kernels: [string, CommitAndOpen][] = [['wasm', await createCommitmentKernel()]];
  for (const { name, kernel } of await nativeBuilds()) kernels.push([name, kernel]);
  const libraries: [string, CommitAndOpen][] = [];
  for (const name of LIBRARIES) libraries.push([name, await loadBackend(name)]);
  for (let i = 0; i < BLOBS; i++) {
    const input = blob(i);
    const expected = toHex(library.commit(input));
    for (const [name, kernel] of kernels)
      assert.equal(toHex(await kernel.commit(input)), expected, `${name}, blob ${i}`);
    // What takes a library 60 ms.
    if (i % 10 !== 0) continue;
    for (const [name, each] of libraries) assert.equal(toHex(await each.commit(input)), expected, `${name}, blob ${i}`);
    const z = input.subarray(SHARD_BYTES - 32);
    const opening = inHex(library.open(input, z));
    for (const [name, kernel] of [...kernels, ...libraries])
      assert.deepEqual(inHex(await kernel.open(input, z)), opening, `${name}, blob ${i}`);
  }
});

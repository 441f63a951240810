import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { systemClock } from '../../../node/clock.ts';
import { AcceleratedEngine } from '../../../node/kzg/accelerated-engine.ts';
import type { Accelerator } from '../../../node/kzg/accelerator.ts';
import { BACKENDS } from '../../../node/kzg/backend.ts';
import type { BlobAccumulator, CheckedOperations, Opening } from '../../../node/kzg/engine.ts';
import { PooledEngine } from '../../../node/kzg/pooled-engine.ts';
import { bigIntToBytes } from '../../../protocol/bytes.ts';
import { randomBlob } from '../../helpers/edge-blobs.ts';

/** Never chooses a call for a check. */
const unchecked = (count: number) => new Uint8Array(count).fill(255);
const library = new PooledEngine({
  threads: 1,
  random: (count) => new Uint8Array(randomBytes(count)),
  backends: BACKENDS,
  queueLimit: 16,
  cachedPoints: 16,
});
before(() => library.start());
after(() => library.stop());

const blobs = [randomBlob(randomBytes), randomBlob(randomBytes), randomBlob(randomBytes)];
const coefficients = [5n, -(3n ** 70n), 2n ** 127n];
const z = bigIntToBytes(123_456_789n, 32);

/** The library itself as a kernel, which errs in one bit where it is told to. */
function bent(where: 'open' | 'sum' | 'point' | 'nowhere'): Accelerator {
  const flipped = (bytes: Uint8Array) => bytes.with(40, (bytes[40] as number) ^ 1);
  return {
    name: 'bent',
    loaded: true,
    commit: (blob, signal) => library.commit(blob, signal),
    async open(blob, at, signal) {
      const { y, proof } = await library.open(blob, at, signal);
      return { y, proof: where === 'open' ? flipped(proof) : proof };
    },
    accumulator(): BlobAccumulator {
      const sum = library.accumulator();
      return {
        add: (coefficient, blob) => sum.add(coefficient, blob),
        finish: () => (where === 'sum' ? flipped(sum.finish()) : sum.finish()),
      };
    },
    // A point of the subgroup, but of another sum.
    combineCommitments: (row, points, signal) =>
      library.combineCommitments(where === 'point' ? row.map((each) => each + 1n) : row, points, signal),
  };
}

/** As a prover does: the combination is summed, opened, and checked against that of the commitments. */
async function proven(engine: AcceleratedEngine, by: CheckedOperations, commitments: readonly Uint8Array[]) {
  const sum = by.accumulator();
  for (const [i, blob] of blobs.entries()) sum.add(coefficients[i] as bigint, blob);
  const opening: Opening = await by.open(sum.finish(), z);
  const commitment = await by.combineCommitments(coefficients, commitments);
  return engine.verify(commitment, z, opening.y, opening.proof);
}

for (const where of ['nowhere', 'open', 'sum', 'point'] as const) {
  test(`an audit with a kernel that errs in ${where}: verified before it is signed, and done again`, async () => {
    const dropped: string[] = [];
    const engine = new AcceleratedEngine({
      library,
      random: unchecked,
      clock: systemClock,
      poolAnswers: async () => undefined,
      kernels: async () => [bent(where)],
      onDropped: (name) => dropped.push(name),
    });
    await engine.start();
    const commitments = await Promise.all(blobs.map((blob) => library.commit(blob)));
    assert.equal(await proven(engine, engine, commitments), where === 'nowhere');
    assert.deepEqual(dropped, []);
    assert.equal(await proven(engine, engine.checked(), commitments), true);
    assert.deepEqual(dropped, where === 'nowhere' ? [] : ['bent']);
    // What was dropped has no part in what comes after.
    assert.equal(await proven(engine, engine, commitments), true);
  });
}

test('with data that are not what was committed, no kernel is dropped', async () => {
  const dropped: string[] = [];
  const engine = new AcceleratedEngine({
    library,
    random: unchecked,
    clock: systemClock,
    poolAnswers: async () => undefined,
    kernels: async () => [bent('nowhere')],
    onDropped: (name) => dropped.push(name),
  });
  await engine.start();
  const other = await library.commit(randomBlob(randomBytes));
  const commitments = [other, other, other];
  assert.equal(await proven(engine, engine, commitments), false);
  assert.equal(await proven(engine, engine.checked(), commitments), false);
  assert.deepEqual(dropped, []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccumulatorFactory } from '../../../node/kzg/blob-accumulator.ts';
import { doubled } from '../../../node/kzg/doubled-sum.ts';
import type { BlobAccumulator } from '../../../node/kzg/engine.ts';
import { knownBlob } from '../../../node/kzg/known-answer.ts';
import { PlainSum } from '../../../node/kzg/plain-sum.ts';

const blobs = [knownBlob(3n), knownBlob(5n)];
const expected = summed(new PlainSum());

function summed(sum: BlobAccumulator): Uint8Array {
  for (const [i, blob] of blobs.entries()) sum.add(BigInt(7 - 9 * i), blob);
  return sum.finish();
}

function differences(subject: BlobAccumulator): number {
  let told = 0;
  assert.deepEqual(summed(doubled(subject, new PlainSum(), () => told++)), expected);
  return told;
}

test('the reference gives the sum, whatever the other one does', () => {
  const add = () => undefined;
  assert.equal(differences(new PlainSum()), 0);
  const oneBit = expected.slice();
  oneBit[100_000] = (oneBit[100_000] as number) ^ 1;
  assert.equal(differences({ add, finish: () => oneBit }), 1);
  assert.equal(differences({ add, finish: () => assert.fail('crash') }), 1);
  assert.equal(differences({ add: () => assert.fail('refused'), finish: () => expected }), 1);
});

test('what the reference refuses leaves both sums as they were', () => {
  let told = 0;
  const sum = doubled(new PlainSum(), new PlainSum(), () => told++);
  assert.throws(() => sum.add(1n, new Uint8Array(5)), { code: 'invalid-length' });
  assert.deepEqual(summed(sum), expected);
  assert.equal(told, 0);
});

test('a checked sum of the field kernel is the exact one', () => {
  const failures: string[] = [];
  const factory = new AccumulatorFactory(undefined, (reason) => failures.push(reason));
  assert.deepEqual(summed(factory.checked()), expected);
  assert.deepEqual(failures, []);
});

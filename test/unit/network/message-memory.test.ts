import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteQueue } from '../../../node/network/byte-queue.ts';
import { freeDecrypted, freeRead, freeWritten, remember, rememberRead } from '../../../node/network/message-memory.ts';

const LENGTH = 65_519;
const message = (bytes = new Uint8Array(LENGTH)) => {
  remember([bytes]);
  return bytes;
};
const isFreed = ({ buffer }: Uint8Array) => buffer.byteLength === 0;

test('ciphertext is freed when it was written as a whole, anything else is not', () => {
  const whole = message();
  freeWritten(whole);
  assert.ok(isFreed(whole));
  const part = message();
  freeWritten(part.subarray(1));
  assert.ok(!isFreed(part));
  const foreign = new Uint8Array(LENGTH);
  freeWritten(foreign);
  assert.ok(!isFreed(foreign));
});

test('plaintext is freed when the one frame in it was read', () => {
  for (const [from, to, freed] of [
    [0, LENGTH, true],
    [12, LENGTH, true],
    // Something else may come before or after.
    [13, LENGTH, false],
    [12, LENGTH - 1, false],
  ] as const) {
    const plain = message();
    freeRead(plain.subarray(from, to));
    assert.equal(isFreed(plain), freed, `${from} to ${to}`);
  }
  const foreign = new Uint8Array(LENGTH);
  freeRead(foreign);
  assert.ok(!isFreed(foreign));
});

test('what a socket delivered is freed once its last byte is decrypted', () => {
  const first = new Uint8Array(LENGTH);
  const second = new Uint8Array(LENGTH);
  for (const read of [first, second]) rememberRead(read);
  freeDecrypted([first.subarray(2), second.subarray(0, 100)]);
  assert.ok(isFreed(first));
  assert.ok(!isFreed(second));
  freeDecrypted([second.subarray(102)]);
  assert.ok(isFreed(second));
  const foreign = new Uint8Array(LENGTH);
  freeDecrypted([foreign]);
  assert.ok(!isFreed(foreign));
});

test('a queue tells of chunks that were copied, not of those that it lent out', () => {
  const told: number[] = [];
  const queue = new ByteQueue((chunk) => told.push(chunk.length));
  for (const length of [2000, 3000, 4000, 5000]) queue.push(new Uint8Array(length).fill(length / 1000));
  assert.equal(queue.take(4000).at(-1), 3);
  assert.deepEqual(told, [2000]);
  // The rest of the second and a view of the third, which is never told of.
  queue.skip(1000);
  assert.deepEqual(told, [2000, 3000]);
  const lent = queue.take(3990);
  queue.skip(10);
  assert.deepEqual(told, [2000, 3000]);
  queue.skip(5000);
  assert.deepEqual(told, [2000, 3000, 5000]);
  assert.equal(lent[0], 4);
});

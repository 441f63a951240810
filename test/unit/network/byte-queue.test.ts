import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteQueue } from '../../../node/network/byte-queue.ts';

test('gives back the bytes in order, however they were cut', () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 200 });
  fc.assert(
    fc.property(chunks, fc.array(fc.nat(40), { minLength: 1 }), (given, sizes) => {
      const all = Uint8Array.from(given.flatMap((chunk) => [...chunk]));
      const queue = new ByteQueue();
      for (const chunk of given) queue.push(chunk);
      const taken: number[] = [];
      for (let i = 0; queue.length > 0; i++) {
        const n = Math.min(queue.length, Math.max(1, sizes[i % sizes.length] as number));
        if (i % 3 === 2) {
          queue.skip(n);
          taken.push(...all.subarray(taken.length, taken.length + n));
        } else taken.push(...queue.take(n));
      }
      assert.deepEqual(Uint8Array.from(taken), all);
    }),
  );
});

test('reads a length across chunks without removing it', () => {
  const queue = new ByteQueue();
  queue.push(Uint8Array.of(9, 0, 1));
  queue.skip(1);
  assert.equal(queue.peekU32(), undefined);
  queue.push(Uint8Array.of(2));
  queue.push(Uint8Array.of(3, 4));
  assert.equal(queue.peekU32(), 0x00010203);
  assert.equal(queue.length, 5);
});

test('does not copy a frame that lies in one chunk', () => {
  const queue = new ByteQueue();
  const chunk = Uint8Array.of(1, 2, 3, 4, 5);
  queue.push(chunk);
  queue.skip(1);
  const frame = queue.take(3);
  assert.equal(frame.buffer, chunk.buffer);
  assert.deepEqual(frame, Uint8Array.of(2, 3, 4));
});

test('refuses to give what is not there', () => {
  const queue = new ByteQueue();
  queue.push(Uint8Array.of(1, 2));
  assert.throws(() => queue.take(3), RangeError);
  queue.clear();
  assert.throws(() => queue.skip(1), RangeError);
  assert.equal(queue.take(0).length, 0);
});

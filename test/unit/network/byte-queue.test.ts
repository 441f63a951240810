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
  const chunk = Uint8Array.from({ length: 2000 }, (_, i) => i);
  queue.push(chunk);
  queue.skip(1);
  const frame = queue.take(3);
  assert.equal(frame.buffer, chunk.buffer);
  assert.deepEqual(frame, Uint8Array.of(1, 2, 3));
});

test('gathers small chunks instead of keeping each, also between large ones', () => {
  const queue = new ByteQueue();
  const sent: number[] = [];
  const single = new Uint8Array(1);
  const push = (value: number) => {
    single[0] = value;
    queue.push(single);
    sent.push(value);
  };
  const read: number[] = [];
  for (let i = 0; i < 10_000; i++) {
    push(i % 251);
    if (i % 3 === 0) read.push(...queue.take(1));
    if (i % 2500 === 7) {
      const large = new Uint8Array(1500).fill(i % 256);
      queue.push(large);
      sent.push(...large);
    }
  }
  // Had the queue kept the chunk itself, all these bytes would be the last one.
  read.push(...queue.take(queue.length));
  assert.deepEqual(read, sent);
});

test('refuses to give what is not there', () => {
  const queue = new ByteQueue();
  queue.push(Uint8Array.of(1, 2));
  assert.throws(() => queue.take(3), RangeError);
  queue.clear();
  assert.throws(() => queue.skip(1), RangeError);
  assert.equal(queue.take(0).length, 0);
});

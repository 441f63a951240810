import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeBytes } from '../../node/free-bytes.ts';

const KIB = 1024;

test('the memory of bytes that fill their buffer, but for a header, is given back', () => {
  for (const around of [0, 4, 64]) {
    const buffer = new ArrayBuffer(128 * KIB + around);
    freeBytes(new Uint8Array(buffer, around));
    assert.equal(buffer.byteLength, 0);
  }
});

test('a part of a buffer, a small buffer and shared memory are left alone', () => {
  const large = new ArrayBuffer(128 * KIB);
  freeBytes(new Uint8Array(large, 65));
  assert.equal(large.byteLength, 128 * KIB);
  const small = new ArrayBuffer(16 * KIB - 1);
  freeBytes(new Uint8Array(small));
  assert.equal(small.byteLength, 16 * KIB - 1);
  const shared = new SharedArrayBuffer(128 * KIB);
  freeBytes(new Uint8Array(shared));
  assert.equal(shared.byteLength, 128 * KIB);
});

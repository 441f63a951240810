import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeBytes } from '../../node/free-bytes.ts';

test('bytes that have a buffer to themselves are gone', () => {
  const bytes = new Uint8Array(131_072);
  freeBytes(bytes);
  assert.equal(bytes.length, 0);
  freeBytes(bytes);
  const nearly = new Uint8Array(new ArrayBuffer(131_072), 64);
  freeBytes(nearly);
  assert.equal(nearly.length, 0);
});

test('what somebody else may see stays', () => {
  const kept = [
    new Uint8Array(1024),
    new Uint8Array(new ArrayBuffer(131_072), 65),
    new Uint8Array(new SharedArrayBuffer(131_072)),
    new Uint8Array(new ArrayBuffer(131_072, { maxByteLength: 262_144 })),
  ];
  for (const bytes of kept) {
    const { length } = bytes;
    freeBytes(bytes);
    assert.equal(bytes.length, length);
  }
});

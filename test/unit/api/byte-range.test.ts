import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRange } from '../../../node/api/byte-range.ts';

test('what is no single byte range is ignored', () => {
  for (const header of [
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=1-2,3-4',
    'items=1-2',
    'bytes=2-1',
    'bytes=0x1-2',
  ]) {
    assert.equal(parseRange(header, 10), undefined, header);
  }
});

test('no byte of an empty file can be had', () => {
  for (const header of ['bytes=0-', 'bytes=0-0', 'bytes=-1']) assert.equal(parseRange(header, 0), 'unsatisfiable');
});

test('a range lies within the file and holds what was asked for', () => {
  const sizes = fc.integer({ min: 1, max: 1_000_000 });
  fc.assert(
    fc.property(sizes, fc.nat(2_000_000), fc.nat(2_000_000), (size, start, length) => {
      const range = parseRange(`bytes=${start}-${start + length}`, size);
      if (start >= size) return range === 'unsatisfiable';
      assert.deepEqual(range, { start, end: Math.min(size, start + length + 1) });
      return true;
    }),
  );
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 2_000_000 }), (size, last) => {
      assert.deepEqual(parseRange(`bytes=-${last}`, size), { start: Math.max(0, size - last), end: size });
    }),
  );
});

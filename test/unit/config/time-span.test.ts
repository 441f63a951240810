import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatTimeSpan, parseTimeSpan } from '../../../node/config/time-span.ts';

test('spans of time are read as people write them', () => {
  for (const [text, ms] of [
    ['0s', 0],
    ['90s', 90_000],
    ['0.001s', 1],
    ['1.5h', 5_400_000],
    ['30d', 2_592_000_000],
    ['2w', 1_209_600_000],
  ] as const) {
    assert.equal(parseTimeSpan(text), ms, text);
  }
  for (const text of ['', '5', 'h', '-1h', '1 h', '1y', '1.h', '1h30m', '1e3s']) {
    assert.equal(parseTimeSpan(text), undefined, text);
  }
});

test('a span is read back as it was written', () => {
  fc.assert(
    fc.property(fc.nat(999_999_999), (ms) => {
      assert.equal(parseTimeSpan(formatTimeSpan(ms)), ms);
    }),
  );
});

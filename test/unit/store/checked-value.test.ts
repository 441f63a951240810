import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openValue, sealValue } from '../../../node/store/checked-value.ts';
import { flipBit } from '../../../node/store/lab-faults.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });

test('a sealed value opens under its key; with any one bit flipped it does not', () => {
  fc.assert(
    fc.property(bytes(40), bytes(200), fc.nat(), (key, payload, at) => {
      const sealed = sealValue(key, payload);
      assert.deepEqual(openValue(key, sealed), payload);
      assert.equal(openValue(key, flipBit(sealed, at % (sealed.length * 8))), undefined);
    }),
  );
});

test('a value under another key is refused', () => {
  const sealed = sealValue(Uint8Array.of(1, 2), Uint8Array.of(3));
  assert.equal(openValue(Uint8Array.of(1, 3), sealed), undefined);
});

test('what is too short for a checksum is damaged, not an error', () => {
  for (let length = 0; length < 4; length++)
    assert.equal(openValue(new Uint8Array(1), new Uint8Array(length)), undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CID } from 'multiformats/cid';
import { cidAt, cidKey, peerAt, peerKey, prefixRange } from '../../../node/store/key-codec.ts';
import { compareBytes, concat } from '../../../protocol/bytes.ts';
import { cidOf } from '../../helpers/store-home.ts';

test('a prefix range holds exactly the keys that begin with the prefix', () => {
  const prefix = fc
    .tuple(fc.nat(254), fc.uint8Array({ maxLength: 4 }))
    .map(([n, rest]) => concat(Uint8Array.of(n), rest));
  fc.assert(
    fc.property(prefix, fc.uint8Array({ maxLength: 8 }), fc.boolean(), (start, other, extend) => {
      const key = extend ? concat(start, other) : other;
      const { gte, lt } = prefixRange(start);
      const inside = compareBytes(key, gte) >= 0 && compareBytes(key, lt) < 0;
      const begins = key.length >= start.length && compareBytes(key.subarray(0, start.length), start) === 0;
      assert.equal(inside, begins);
    }),
  );
  assert.throws(() => prefixRange(Uint8Array.of(255, 255)), RangeError);
});

test('peers and CIDs come back from the key they were written into', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 30 }), fc.uint8Array({ maxLength: 5 }), (peer, before) => {
      const column = peerKey(peer);
      const found = peerAt(concat(before, column), before.length);
      assert.deepEqual(found, {
        peer: new TextDecoder().decode(column.subarray(1)),
        end: before.length + column.length,
      });
    }),
  );
  const cid = cidOf('node');
  assert.ok(cidAt(concat(Uint8Array.of(7), cidKey(cid)), 1).equals(cid));
});

test('a CID of another kind and an oversize peer are refused', () => {
  const v0 = CID.parse('QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n');
  assert.throws(() => cidKey(v0), RangeError);
  assert.throws(() => peerKey(''), RangeError);
  assert.throws(() => peerKey('x'.repeat(129)), RangeError);
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { toHex } from '../../../protocol/bytes.ts';
import { guardianOrder } from '../../../protocol/guardian-order.ts';

const peerKeys = fc.uniqueArray(fc.uint8Array({ minLength: 32, maxLength: 32 }), { selector: toHex, maxLength: 20 });
const roots = fc.uint8Array({ minLength: 36, maxLength: 36 });

/** The ranking as hex, which compares by value. */
function order(root: Uint8Array, peers: readonly Uint8Array[]): string[] {
  return guardianOrder(root, peers).map(toHex);
}

describe('guardian order', () => {
  test('is by ascending H(HOLDFAST1/guardian, root ‖ peer)', () => {
    fc.assert(
      fc.property(roots, peerKeys, (root, peers) => {
        const tag = 'HOLDFAST1/guardian';
        const weight = (peer: Uint8Array) =>
          createHash('sha256').update(Uint8Array.of(tag.length)).update(tag).update(root).update(peer).digest('hex');
        const expected = peers.map((peer) => ({ peer: toHex(peer), weight: weight(peer) }));
        expected.sort((a, b) => (a.weight < b.weight ? -1 : 1));
        assert.deepEqual(
          order(root, peers),
          expected.map(({ peer }) => peer),
        );
      }),
    );
  });

  test('does not depend on the order or the repetition of what it is given', () => {
    const given = peerKeys.chain((peers) =>
      fc.tuple(fc.constant(peers), fc.shuffledSubarray([...peers, ...peers], { minLength: 2 * peers.length })),
    );
    fc.assert(
      fc.property(roots, given, (root, [peers, mixed]) => assert.deepEqual(order(root, mixed), order(root, peers))),
    );
  });

  test('a peer that leaves moves nobody past anybody', () => {
    fc.assert(
      fc.property(roots, peerKeys, fc.nat(), (root, peers, pick) => {
        const leaver = peers[pick % Math.max(1, peers.length)];
        const rest = peers.filter((peer) => peer !== leaver);
        const expected = order(root, peers).filter((peer) => leaver === undefined || peer !== toHex(leaver));
        assert.deepEqual(order(root, rest), expected);
      }),
    );
  });

  test('every peer comes first for some root', () => {
    const peers = Array.from({ length: 5 }, (_, i) => new Uint8Array(32).fill(i + 1));
    const first = new Set(Array.from({ length: 100 }, (_, i) => order(Uint8Array.of(i), peers)[0]));
    assert.equal(first.size, peers.length);
  });

  test('nobody to rank is an empty order', () => {
    assert.deepEqual(guardianOrder(new Uint8Array(36), []), []);
  });
});

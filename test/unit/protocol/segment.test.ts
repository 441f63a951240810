import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StructureError } from '../../../protocol/cbor.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import type { CodeParameters } from '../../../protocol/code.ts';
import { FRAME_BYTES } from '../../../protocol/constants.ts';
import { segmentCount, stripeGeometry } from '../../../protocol/geometry.ts';
import {
  decodeRoot,
  encodeRoot,
  readSegment,
  signRoot,
  type UnsignedRoot,
  verifyRoot,
} from '../../../protocol/manifest.ts';
import {
  decodeSegment,
  encodeSegment,
  type Segment,
  shardIdAt,
  storedIndices,
  stripeOf,
} from '../../../protocol/segment.ts';
import { identity, stream } from '../../../scripts/vectors/fixtures.ts';

const owner = identity('segments');
const FR: CodeParameters = { id: 1, k: 4, m: 2 };
const GF: CodeParameters = { id: 2, k: 4, m: 2 };
const REPLICA: CodeParameters = { id: 0, k: 1, m: 2 };

/** A segment with arbitrary points and hashes: the form is what counts here. */
function segmentOf(code: CodeParameters, i: number, dataCounts: readonly number[]): Segment {
  const stripes = dataCounts.map((dataCount, s) => {
    const points = code.id === 2 ? dataCount + code.m : dataCount;
    const hashes = code.id === 0 ? 1 : dataCount + code.m;
    return { c: stream(`c ${i} ${s}`, 48 * points), h: stream(`h ${i} ${s}`, 32 * hashes) };
  });
  return { i, stripes };
}

function object(code: CodeParameters, size: number): { root: UnsignedRoot; segments: Uint8Array[] } {
  const layout = { payload: 'packed31', size, code } as const;
  const segments = Array.from({ length: segmentCount(layout) }, (_, i) => {
    const { stripes, lastDataCount } = stripeGeometry(layout, i);
    const counts = Array.from({ length: stripes }, (_, s) => (s === stripes - 1 ? lastDataCount : code.k));
    return encodeSegment(segmentOf(code, i, counts), code);
  });
  const root = {
    ...layout,
    network: new Uint8Array(32),
    kind: 'file',
    cipher: 'aes-256-gcm',
    segments: segments.map(nodeCid),
    created: 0,
    owner: owner.publicKey,
  } as const;
  return { root, segments };
}

const inconsistent = (error: unknown) => error instanceof StructureError && error.code === 'inconsistent';

test('code 2 lists parity commitments, codes 0 and 1 do not', () => {
  const stripe = stripeOf(segmentOf(GF, 0, [3]), GF, 0);
  assert.deepEqual([stripe?.dataCount, stripe?.commitments.length], [3, 5]);
  assert.deepEqual(
    stripe?.hashes.map((hash) => hash !== undefined),
    [true, true, true, false, true, true],
  );
  assert.throws(() => encodeSegment(segmentOf(GF, 0, [3]), FR), StructureError);
  assert.throws(() => decodeSegment(encodeSegment(segmentOf(FR, 0, [1]), FR), GF), StructureError);
});

test('a replica lists its shard once, for all copies', () => {
  const segment = segmentOf(REPLICA, 0, [1, 1]);
  const view = stripeOf(segment, REPLICA, 1);
  assert.equal(view?.commitments.length, 1);
  assert.deepEqual(view?.hashes, [segment.stripes[1]?.h, segment.stripes[1]?.h, segment.stripes[1]?.h]);
  assert.deepEqual(storedIndices(segment, REPLICA), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(shardIdAt(segment, REPLICA, 5), segment.stripes[1]?.h);
  assert.equal(stripeOf(segment, REPLICA, 2), undefined);
});

test('a segment holds as many stripes as 1,024 data shards fill', () => {
  const full = Array.from({ length: 256 }, () => 4);
  const bytes = encodeSegment(segmentOf(FR, 0, full), FR);
  assert.equal(decodeSegment(bytes, FR).stripes.length, 256);
  assert.throws(() => encodeSegment(segmentOf(FR, 0, [...full, 4]), FR), StructureError);
});

test('an object of several segments: each is read only in its place', () => {
  const { root, segments } = object(FR, 2049 * FRAME_BYTES - 5);
  assert.equal(segments.length, 3);
  for (const [i, bytes] of segments.entries()) assert.equal(readSegment(root, i, bytes).i, i);
  const [first, second, third] = segments as [Uint8Array, Uint8Array, Uint8Array];
  assert.throws(() => readSegment(root, 0, second), inconsistent);
  assert.throws(() => readSegment(root, 3, third), inconsistent);
  const swapped = { ...root, segments: [second, first, third].map(nodeCid) };
  assert.throws(() => readSegment(swapped, 0, second), inconsistent);
});

test('a segment with fewer or more data shards than the size asks for is refused', () => {
  const { root } = object(FR, 6 * FRAME_BYTES);
  for (const counts of [[4], [4, 1], [4, 3], [4, 4, 2]]) {
    const bytes = encodeSegment(segmentOf(FR, 0, counts), FR);
    assert.throws(() => readSegment({ ...root, segments: [nodeCid(bytes)] }, 0, bytes), inconsistent, `${counts}`);
  }
});

test('roots of every payload, cipher, kind and code that the protocol knows', () => {
  for (const code of [FR, GF, REPLICA]) {
    for (const kind of ['file', 'tree'] as const) {
      for (const [payload, cipher] of [
        ['packed31', 'aes-256-gcm'],
        ['packed31', 'none'],
        ['raw4844', 'none'],
      ] as const) {
        if (payload === 'raw4844' && code.id === 2) continue;
        const { root: base } = object(code, 3 * FRAME_BYTES);
        const unsigned = { ...base, kind, payload, cipher, ...(kind === 'tree' ? { indexLength: 7 } : {}) };
        const root = signRoot(unsigned, owner);
        const decoded = decodeRoot(encodeRoot(root));
        assert.deepEqual(
          { ...decoded, segments: decoded.segments.map(String) },
          { ...root, segments: root.segments.map(String) },
        );
        assert.ok(verifyRoot(decoded));
      }
    }
  }
});

test('a manifest above 1 MiB is refused before it is sent', () => {
  const segments = Array.from({ length: 25_600 }, () => nodeCid(new Uint8Array(1)));
  const size = 25_600 * 1024 * FRAME_BYTES;
  const { root } = object(FR, 1);
  assert.throws(
    () => signRoot({ ...root, size, segments }, owner),
    (error: unknown) => error instanceof StructureError,
  );
});

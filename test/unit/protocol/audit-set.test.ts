import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { AuditError, type AuditErrorType } from '../../../protocol/audit-error.ts';
import {
  type AuditedPart,
  type AuditedSegment,
  auditItems,
  itemCommitments,
  missingBitmaps,
  missingIds,
  type SegmentLookup,
} from '../../../protocol/audit-set.ts';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { compareBytes, toHex } from '../../../protocol/bytes.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import type { CodeParameters } from '../../../protocol/code.ts';
import { type Segment, shardIdAt, storedIndices } from '../../../protocol/segment.ts';
import { stream } from '../../../scripts/vectors/fixtures.ts';

const FR: CodeParameters = { id: 1, k: 4, m: 2 };
const GF: CodeParameters = { id: 2, k: 4, m: 2 };
const REPLICA: CodeParameters = { id: 0, k: 1, m: 2 };
const owner = new Uint8Array(32);

function sourceOf(code: CodeParameters, dataCounts: readonly number[], label = 'set'): AuditedSegment {
  const stripes = dataCounts.map((dataCount, s) => ({
    c: stream(`${label} c ${s}`, 48 * (code.id === 2 ? dataCount + code.m : dataCount)),
    h: stream(`${label} h ${s}`, 32 * (code.id === 0 ? 1 : dataCount + code.m)),
  }));
  return { segment: { i: 0, stripes }, code, owner };
}

const root = nodeCid(Uint8Array.of(0));
const cidOf = (entry: number): CID => nodeCid(Uint8Array.of(1, entry));

/** Parts that ask for all stored shards, or for the given ones, of the sources in their order. */
function setOf(
  sources: readonly AuditedSegment[],
  indices?: readonly number[],
): { parts: AuditedPart[]; lookup: SegmentLookup } {
  const parts = sources.map(({ segment, code }, entry) => {
    return { root, segment: cidOf(entry), indices: bitmapOf(indices ?? storedIndices(segment, code)) };
  });
  return { parts, lookup: (_, segment) => sources.find((_source, entry) => cidOf(entry).equals(segment)) };
}

const refused = (code: AuditErrorType['code']) => (error: unknown) =>
  error instanceof AuditError && error.code === code;
const noCode = () => ({});

test('items are ascending by id, and a shard in two segments is one item', () => {
  const { parts, lookup } = setOf([sourceOf(FR, [4, 2]), sourceOf(FR, [4, 2]), sourceOf(FR, [3], 'other')]);
  const items = auditItems(parts, lookup);
  assert.equal(items.length, 6 + 4 + 5);
  for (let i = 1; i < items.length; i++) {
    assert.ok(compareBytes((items[i - 1] as { id: Uint8Array }).id, (items[i] as { id: Uint8Array }).id) < 0);
  }
  for (const { id, entry, index } of items) {
    const source = lookup(root, cidOf(entry)) as AuditedSegment;
    assert.deepEqual(shardIdAt(source.segment, source.code, index), id);
  }
});

test('copies of a replica are one item with the one listed commitment', async () => {
  const source = sourceOf(REPLICA, [1, 1]);
  const { parts, lookup } = setOf([source]);
  const items = auditItems(parts, lookup);
  assert.equal(items.length, 2);
  const commitments = await itemCommitments(items, noCode);
  for (const [i, { id }] of items.entries()) {
    const stripe = source.segment.stripes.find(({ h }) => toHex(h) === toHex(id)) as Segment['stripes'][0];
    assert.deepEqual(commitments[i], stripe.c);
  }
});

test('code 2 lists the commitments of its parity, also of a short stripe', async () => {
  const source = sourceOf(GF, [4, 3]);
  const { parts, lookup } = setOf([source], [0, 3, 4, 5, 6, 8, 10, 11]);
  const items = auditItems(parts, lookup);
  const commitments = await itemCommitments(items, noCode);
  const slot = new Map([
    [0, [0, 0]],
    [3, [0, 3]],
    [4, [0, 4]],
    [5, [0, 5]],
    [6, [1, 0]],
    [8, [1, 2]],
    [10, [1, 3]],
    [11, [1, 4]],
  ]);
  for (const [i, { index }] of items.entries()) {
    const [s, position] = slot.get(index) as [number, number];
    assert.deepEqual(commitments[i], source.segment.stripes[s]?.c.subarray(48 * position, 48 * (position + 1)));
  }
});

test('parity of code 1 is derived once per stripe, from the data of that stripe', async () => {
  const source = sourceOf(FR, [4, 2]);
  const { parts, lookup } = setOf([source], [4, 5, 10, 11]);
  const asked: Uint8Array[][] = [];
  const items = auditItems(parts, lookup);
  const commitments = await itemCommitments(items, () => ({
    async parityCommitments(data, k, m) {
      asked.push([...data]);
      return Array.from({ length: m }, (_, j) => Uint8Array.of(data.length, k, j));
    },
  }));
  assert.deepEqual(asked.map((data) => data.length).sort(), [2, 4]);
  for (const [i, { index }] of items.entries()) {
    assert.deepEqual(commitments[i], Uint8Array.of(index < 6 ? 4 : 2, 4, (index % 6) - 4));
  }
});

test('a code that derives nothing, an unknown segment and a shard that is not stored are refused', async () => {
  const { parts, lookup } = setOf([sourceOf(FR, [4, 2])]);
  await assert.rejects(() => itemCommitments(auditItems(parts, lookup), noCode), refused('underived-commitments'));
  assert.throws(() => auditItems(parts, () => undefined), refused('unknown-segment'));
  const hole = setOf([sourceOf(FR, [4, 2])], [8]);
  assert.throws(() => auditItems(hole.parts, hole.lookup), refused('unknown-shard'));
});

test('an audit covers at most 16,384 shards', () => {
  const full = Array.from({ length: 256 }, () => 4);
  const sources = Array.from({ length: 11 }, (_, i) => sourceOf(FR, full, `full ${i}`));
  const { parts, lookup } = setOf(sources);
  assert.equal(auditItems(parts.slice(0, 10), lookup).length, 15_360);
  assert.throws(() => auditItems(parts, lookup), refused('too-many-shards'));
});

test('lists of missing shards: both directions, also for a shard in two segments', () => {
  const { parts, lookup } = setOf([sourceOf(FR, [4, 2]), sourceOf(FR, [4, 2]), sourceOf(FR, [3], 'other')]);
  const lost = auditItems(parts, lookup)
    .filter((_, i) => i % 3 === 0)
    .map(({ id }) => id);
  const bitmaps = missingBitmaps(parts, lookup, (id) => lost.some((other) => toHex(other) === toHex(id)));
  assert.deepEqual(bitmaps[0], bitmaps[1]);
  assert.deepEqual(missingIds(parts, bitmaps, lookup), lost);
  // Declared in one place, it is lost in all.
  const once = [bitmapOf([]), bitmapOf([0]), bitmapOf([])];
  assert.equal(missingIds(parts, once, lookup).length, 1);
  assert.deepEqual(
    missingBitmaps(parts, lookup, () => false),
    [bitmapOf([]), bitmapOf([]), bitmapOf([])],
  );
});

test('a list of missing shards that does not fit the set is refused', () => {
  const { parts, lookup } = setOf([sourceOf(FR, [4, 2])], [0, 1]);
  assert.throws(() => missingIds(parts, [], lookup), refused('bad-missing'));
  assert.throws(() => missingIds(parts, [bitmapOf([2])], lookup), refused('bad-missing'));
  assert.throws(() => missingIds(parts, [bitmapOf([0])], () => undefined), refused('bad-missing'));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selections } from '../../../node/audit/selections.ts';
import type { LoadedSegment } from '../../../node/manifest/loaded-segment.ts';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { MAX_AUDIT_BYTES, MAX_AUDIT_SHARDS } from '../../../protocol/constants.ts';
import { auditRequest } from '../../../protocol/messages/audit.ts';
import { type StoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { holder, sampleSegment } from './sample-selection.ts';

const { signal } = new AbortController();

function samples(count: number, stripes: number) {
  const all = Array.from({ length: count }, (_, i) => sampleSegment(`segment ${i}`, stripes));
  const bySegment = new Map(all.map(({ segment }) => [segment.cid.toString(), segment]));
  const loads: string[] = [];
  return {
    receipts: all.map(({ receipt }) => receipt),
    loads,
    segments: {
      async load(_: unknown, cid: { toString(): string }): Promise<LoadedSegment | undefined> {
        loads.push(cid.toString());
        return bySegment.get(cid.toString());
      },
    },
  };
}

test('one set while it fits, in the bounds of one request', async () => {
  const { receipts, segments } = samples(3, 5);
  const all = await Array.fromAsync(selections(receipts, segments, signal));
  assert.deepEqual(
    all.map(({ items }) => items.length),
    [15],
  );
});

test('no set covers more shards than an audit may, and none is left out', async () => {
  const { receipts, segments } = samples(18, 1000);
  const all = await Array.fromAsync(selections(receipts, segments, signal));
  assert.deepEqual(
    all.map(({ items }) => items.length),
    [16_000, 2_000],
  );
  assert.ok(16_000 <= MAX_AUDIT_SHARDS);
});

test('a request stays within its bytes, however many receipts there are', async () => {
  const { segment, receipt } = sampleSegment('one', 1);
  const many = Array.from({ length: 2_200 }, () => receipt);
  const all = await Array.fromAsync(selections(many, { load: async () => segment }, signal));
  assert.deepEqual(
    all.map(({ parts }) => parts.length),
    [2_048, 152],
  );
  const sig = new Uint8Array(64);
  const wide = { ...receipt, indices: new Uint8Array(8_000).fill(1) };
  const wider = await Array.fromAsync(selections(Array(200).fill(wide), { load: async () => segment }, signal));
  assert.equal(wider.length, 4);
  for (const selection of [...all, ...wider]) {
    const bytes = auditRequest.encode({ challenge: new Uint8Array(218), sig, set: selection.entries() });
    assert.ok(bytes.length <= MAX_AUDIT_BYTES);
  }
});

test('sets are made when they are wanted, so that what is loaded is bounded', async () => {
  const { receipts, segments, loads } = samples(40, 1000);
  const iterator = selections(receipts, segments, signal);
  await iterator.next();
  assert.equal(loads.length, 17);
});

test('a segment that cannot be had, and shards that are not in it, are left out', async () => {
  const { segment, receipt } = sampleSegment('short', 3);
  const { sig: _, ...unsigned } = receipt;
  const wide: StoreReceipt = signStoreReceipt({ ...unsigned, indices: bitmapOf([1, 2, 3, 9]) }, holder);
  const beyond: StoreReceipt = signStoreReceipt({ ...unsigned, indices: bitmapOf([3]) }, holder);
  const [only] = await Array.fromAsync(selections([wide], { load: async () => segment }, signal));
  assert.deepEqual(only?.parts[0]?.indices, [1, 2]);
  assert.deepEqual(await Array.fromAsync(selections([beyond], { load: async () => segment }, signal)), []);
  assert.deepEqual(await Array.fromAsync(selections([wide], { load: async () => undefined }, signal)), []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AskedTerms, renewedTerms, saysAlready, termsWith } from '../../../node/holdings/promise-terms.ts';
import { bitmapIndices, bitmapOf, isSubsetOf } from '../../../protocol/bitmap.ts';
import type { StoreReceipt } from '../../../protocol/store-receipt.ts';

const LEASE_MS = 900;
const bitmap = fc.uniqueArray(fc.nat(6), { maxLength: 5 }).map(bitmapOf);
const request = fc.record({
  indices: fc.uniqueArray(fc.nat(6), { minLength: 1, maxLength: 4 }).map(bitmapOf),
  byOwner: fc.boolean(),
  pauseMs: fc.nat(LEASE_MS),
});

test('whoever asks in which order: nothing is shortened, and only what the owner stored has no end', () => {
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 8 }), (requests) => {
      let now = 1_000;
      let issued: StoreReceipt | undefined;
      let endless = bitmapOf([]);
      const ofOwner = new Set<number>();
      for (const { indices, byOwner, pauseMs } of requests) {
        now += pauseMs;
        const until = byOwner ? 0 : now + LEASE_MS;
        const asked: AskedTerms = { issued, endless, indices, until, now, leaseMs: LEASE_MS };
        const terms = termsWith(asked);
        if (byOwner) for (const index of bitmapIndices(indices)) ofOwner.add(index);
        assert.deepEqual(terms.endless, bitmapOf(ofOwner));
        assert.ok(isSubsetOf(indices, terms.indices) && isSubsetOf(issued?.indices ?? bitmapOf([]), terms.indices));
        assert.equal(terms.expiresAt === 0, isSubsetOf(terms.indices, terms.endless));
        assert.ok(terms.expiresAt === 0 || terms.expiresAt > now);
        assert.ok(terms.expiresAt === 0 || terms.expiresAt >= (issued?.expiresAt ?? 0));
        if (saysAlready(asked, terms)) {
          // What stands covers what was asked for, and for as long but for a third.
          assert.ok(issued && isSubsetOf(indices, issued.indices) && isSubsetOf(terms.endless, endless));
          const lasts = issued.expiresAt === 0 || issued.expiresAt > until - LEASE_MS / 3;
          assert.ok(lasts || isSubsetOf(indices, endless));
          continue;
        }
        issued = { indices: terms.indices, expiresAt: terms.expiresAt } as StoreReceipt;
        endless = terms.endless;
      }
    }),
  );
});

test('a renewal keeps what has no end, and ends with the rest', () => {
  fc.assert(
    fc.property(bitmap, bitmap, (endless, indices) => {
      const terms = renewedTerms(endless, indices, 7);
      assert.ok(isSubsetOf(endless, terms.indices) && isSubsetOf(indices, terms.indices));
      assert.equal(terms.expiresAt, isSubsetOf(indices, endless) ? 0 : 7);
    }),
  );
});

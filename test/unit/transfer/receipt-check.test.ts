import assert from 'node:assert/strict';
import { test } from 'node:test';
import { receiptFault } from '../../../node/transfer/receipt-check.ts';
import { type StoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { holder, owner, sampleSegment } from '../audit/sample-selection.ts';

const now = 1_700_000_000_000;

function faultOf(times: Pick<StoreReceipt, 'issuedAt' | 'expiresAt'>, until?: number) {
  const { sig: _, ...unsigned } = sampleSegment('dated', 1).receipt;
  const dated = signStoreReceipt({ ...unsigned, ...times }, holder);
  const { network, root, segment, indices } = dated;
  const expected = { network, root, segment, indices, owner: owner.publicKey, holder: holder.publicKey, now };
  return receiptFault(dated, until === undefined ? expected : { ...expected, until });
}

test('a receipt that is dated further in the future than clocks differ binds nobody', () => {
  assert.equal(faultOf({ issuedAt: now + 120_000, expiresAt: 0 }), undefined);
  assert.equal(faultOf({ issuedAt: now + 120_001, expiresAt: 0 }), 'it is dated in the future');
});

test('a receipt has to bind for as long as was asked for', () => {
  const ending = (expiresAt: number, until?: number) => faultOf({ issuedAt: now, expiresAt }, until);
  assert.equal(ending(now + 1_000), undefined);
  assert.equal(ending(now + 1_000, now + 1_001), 'it ends too soon');
  assert.equal(ending(now + 1_000, now + 1_000), undefined);
  assert.equal(ending(0, now + 1_000), undefined);
  assert.equal(ending(now + 1_000, 0), 'it ends too soon');
  assert.equal(ending(0, 0), undefined);
});

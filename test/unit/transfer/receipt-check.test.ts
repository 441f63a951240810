import assert from 'node:assert/strict';
import { test } from 'node:test';
import { receiptFault } from '../../../node/transfer/receipt-check.ts';
import { signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { holder, owner, sampleSegment } from '../audit/sample-selection.ts';

test('a receipt that is dated further in the future than clocks differ binds nobody', () => {
  const { receipt } = sampleSegment('dated', 1);
  const now = 1_700_000_000_000;
  const fault = (issuedAt: number) => {
    const { sig: _, ...unsigned } = receipt;
    const dated = signStoreReceipt({ ...unsigned, issuedAt }, holder);
    const { network, root, segment, indices } = dated;
    const expected = { network, root, segment, indices, owner: owner.publicKey, holder: holder.publicKey, now };
    return receiptFault(dated, expected);
  };
  assert.equal(fault(now + 120_000), undefined);
  assert.equal(fault(now + 120_001), 'it is dated in the future');
});

import type { CID } from 'multiformats/cid';
import { isSubsetOf } from '../../protocol/bitmap.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { MAX_CLOCK_SKEW_MS } from '../../protocol/constants.ts';
import { isExpired, type StoreReceipt, verifyStoreReceipt } from '../../protocol/store-receipt.ts';

export interface ExpectedReceipt {
  readonly network: Uint8Array;
  readonly owner: Uint8Array;
  /** Public key of the peer that answered. */
  readonly holder: Uint8Array;
  readonly root: CID;
  readonly segment: CID;
  /** Bitmap of the shards it must cover. */
  readonly indices: Uint8Array;
  /** Wall clock, ms. */
  readonly now: number;
  /** Wall clock, ms: until then it must bind at least; 0: without an end. Absent: however long it does. */
  readonly until?: number;
}

/** What is wrong with a receipt; undefined when it binds its holder to everything expected. */
export function receiptFault(receipt: StoreReceipt, expected: ExpectedReceipt): string | undefined {
  if (!equalBytes(receipt.network, expected.network)) return 'it is of another network';
  if (!equalBytes(receipt.holder, expected.holder)) return 'it is of another holder';
  if (!equalBytes(receipt.owner, expected.owner)) return 'it names another owner';
  if (!receipt.root.equals(expected.root)) return 'it is for another object';
  if (!receipt.segment.equals(expected.segment)) return 'it is for another segment';
  if (!isSubsetOf(expected.indices, receipt.indices)) return 'it does not cover all shards';
  if (isExpired(receipt, expected.now)) return 'it has expired';
  // What ends at once is never audited, and nothing that its holder drops is a loss.
  if (endsBefore(receipt, expected.until)) return 'it ends too soon';
  // Until its date a receipt binds its holder to nothing that others would believe.
  if (receipt.issuedAt > expected.now + MAX_CLOCK_SKEW_MS) return 'it is dated in the future';
  return verifyStoreReceipt(receipt) ? undefined : 'its signature is wrong';
}

function endsBefore({ expiresAt }: StoreReceipt, until: number | undefined): boolean {
  return until !== undefined && expiresAt !== 0 && (until === 0 || expiresAt < until);
}

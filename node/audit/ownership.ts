import type { CID } from 'multiformats/cid';
import { equalBytes } from '../../protocol/bytes.ts';
import { StructureError } from '../../protocol/cbor.ts';
import { type AuditRequest, auditRequest } from '../../protocol/messages/audit.ts';
import { decodeStoreReceipt, encodeStoreReceipt, type StoreReceipt } from '../../protocol/store-receipt.ts';

interface Issued {
  get(root: CID, segment: CID): Promise<StoreReceipt | undefined>;
}

/** Whether the first receipt of the set says that the auditor owns what it is for. Nothing is verified. */
export function claimsToOwn({ set }: AuditRequest, auditor: Uint8Array): boolean {
  const receipt = firstReceipt(set);
  return receipt !== undefined && equalBytes(receipt.owner, auditor);
}

/**
 * Whether the request is of an owner: its first receipt is one that this node signed and keeps, for an object of the
 * auditor. One look into the store, for who decides about many requests.
 *
 * @param bytes of the request as it came.
 */
export async function isOfOwner(bytes: Uint8Array, auditor: Uint8Array, issued: Issued): Promise<boolean> {
  try {
    const receipt = firstReceipt(auditRequest.decode(bytes).set);
    if (receipt === undefined || !equalBytes(receipt.owner, auditor)) return false;
    const own = await issued.get(receipt.root, receipt.segment);
    return own !== undefined && equalBytes(encodeStoreReceipt(own), encodeStoreReceipt(receipt));
  } catch (error) {
    if (error instanceof StructureError) return false;
    throw error;
  }
}

function firstReceipt(set: AuditRequest['set']): StoreReceipt | undefined {
  const bytes = set[0]?.receipt;
  try {
    return bytes && decodeStoreReceipt(bytes);
  } catch (error) {
    if (error instanceof StructureError) return undefined;
    throw error;
  }
}

import type { CID } from 'multiformats/cid';
import { equalBytes } from '../../protocol/bytes.ts';
import { StructureError } from '../../protocol/cbor.ts';
import type { AuditSetEntry } from '../../protocol/messages/audit.ts';
import {
  decodeStoreReceipt,
  encodeStoreReceipt,
  type StoreReceipt,
  verifyStoreReceipt,
} from '../../protocol/store-receipt.ts';
import { nextTurn } from '../kzg/next-turn.ts';

interface Issued {
  get(root: CID, segment: CID): Promise<StoreReceipt | undefined>;
}

/**
 * Which receipts of a set need no verification: those this node signed and keeps. A signature takes 1.6 ms, and a
 * set has up to 2,048. What is not kept here (replaced, released, or lost with a disk) is verified, giving way to other
 * work; the first that fails ends it, since the request is refused then.
 *
 * @throws the signal's reason.
 */
export async function knownReceipts(
  set: readonly AuditSetEntry[],
  issued: Issued,
  signal: AbortSignal,
): Promise<(receipt: Uint8Array) => boolean> {
  const known = new Set<Uint8Array>();
  for (const { receipt: bytes } of set) {
    signal.throwIfAborted();
    const receipt = decoded(bytes);
    if (receipt === undefined) break;
    const own = await issued.get(receipt.root, receipt.segment);
    if (own === undefined || !equalBytes(encodeStoreReceipt(own), bytes)) {
      await nextTurn();
      if (!verifyStoreReceipt(receipt)) break;
    }
    known.add(bytes);
  }
  return (bytes) => known.has(bytes);
}

function decoded(bytes: Uint8Array): StoreReceipt | undefined {
  try {
    return decodeStoreReceipt(bytes);
  } catch (error) {
    if (error instanceof StructureError) return undefined;
    throw error;
  }
}

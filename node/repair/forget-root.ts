import type { CID } from 'multiformats/cid';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';

export interface ForgetRootDeps {
  /** Receipts of others for objects that this node watches. */
  readonly receipts: {
    scan(root: CID): AsyncIterable<StoreReceipt>;
    segmentsOf(holder: Uint8Array): AsyncIterable<{ readonly segment: CID }>;
    removeRoot(root: CID): Promise<void>;
  };
  readonly lost: {
    forget(segments: readonly CID[], isNeeded: (holder: Uint8Array, segment: CID) => Promise<boolean>): Promise<void>;
  };
}

/** Forgets who holds what of an object, and what they have lost of it, but for segments that another object shares. */
export async function forgetRoot({ receipts, lost }: ForgetRootDeps, root: CID): Promise<void> {
  const segments = new Map<string, CID>();
  for await (const { segment } of receipts.scan(root)) segments.set(segment.toString(), segment);
  await receipts.removeRoot(root);
  await lost.forget([...segments.values()], async (holder, segment) => {
    for await (const one of receipts.segmentsOf(holder)) if (one.segment.equals(segment)) return true;
    return false;
  });
}

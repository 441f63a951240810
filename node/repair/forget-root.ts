import type { CID } from 'multiformats/cid';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';

export interface ForgetRootDeps {
  /** Receipts of others for objects that this node watches. */
  readonly receipts: {
    scan(root: CID, segment?: CID, signal?: AbortSignal): AsyncIterable<StoreReceipt>;
    get(root: CID, segment: CID, holder: Uint8Array): Promise<StoreReceipt | undefined>;
    removeRoot(root: CID): Promise<void>;
  };
  /**
   * Objects that share a segment, as far as their manifests are kept here: what was lost of one that is only guarded here goes
   * too, and the next audit finds it again.
   */
  readonly manifests: { rootsOf(segment: CID, signal?: AbortSignal): AsyncIterable<CID> };
  readonly lost: {
    has(holder: Uint8Array, segment: CID, signal?: AbortSignal): Promise<boolean>;
    forget(holder: Uint8Array, segment: CID, signal?: AbortSignal): Promise<void>;
  };
}

/**
 * Forgets who holds what of an object, and what they have lost of it, but for segments that another object shares. The
 * receipts, which say where to look, go last: after a crash it can be repeated. @throws the signal's reason
 */
export async function forgetRoot(deps: ForgetRootDeps, root: CID, signal?: AbortSignal): Promise<void> {
  const { receipts, lost } = deps;
  for await (const { holder, segment } of receipts.scan(root, undefined, signal)) {
    signal?.throwIfAborted();
    if (!(await lost.has(holder, segment, signal)) || (await isShared(deps, root, segment, holder, signal))) continue;
    await lost.forget(holder, segment, signal);
  }
  await receipts.removeRoot(root);
}

async function isShared(
  { manifests, receipts }: ForgetRootDeps,
  leaving: CID,
  segment: CID,
  holder: Uint8Array,
  signal?: AbortSignal,
): Promise<boolean> {
  for await (const root of manifests.rootsOf(segment, signal)) {
    if (!root.equals(leaving) && (await receipts.get(root, segment, holder)) !== undefined) return true;
  }
  return false;
}

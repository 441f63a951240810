import { hash } from 'node:crypto';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import { replicaCode } from '../../../protocol/codes/replica.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { networkId } from '../../../protocol/hash.ts';
import { encodeRoot, type Root, signRoot } from '../../../protocol/manifest.ts';
import { encodeSegment, type SegmentStripe } from '../../../protocol/segment.ts';
import type { Signer } from '../../../protocol/signature.ts';
import { type StoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';
import type { KzgEngine } from '../../kzg/engine.ts';
import { LoadedSegment } from '../../manifest/loaded-segment.ts';
import { randomBlob } from '../baselines/sizes.ts';

export const AUDIT_NETWORK = networkId('bench-audit');
/** One copy of each shard and none of them twice: each stripe of the manifest is one shard. */
const CODE = { id: 0, k: 1, m: 0 } as const;
const SHARDS_PER_SEGMENT = 1024;
/** Blobs that are committed; all others are sums of two of them, and so are their commitments. */
const COMMITTED = 64;
const BATCH = 64;

export interface AuditObject {
  readonly root: Root;
  readonly rootBytes: Uint8Array;
  readonly segments: readonly { readonly loaded: LoadedSegment; readonly bytes: Uint8Array }[];
}

/**
 * An object of `count` shards that all differ, with right commitments and hashes. A few random blobs are committed; shard i
 * is one of them plus i + 1 times the next, which costs 0.2 ms where a commitment takes 15.
 *
 * @param keep takes the shards, batch by batch.
 */
export async function makeAuditObject(
  engine: KzgEngine,
  owner: Signer,
  count: number,
  keep: (shards: readonly { readonly id: Uint8Array; readonly bytes: Uint8Array }[]) => Promise<void>,
  signal: AbortSignal,
): Promise<AuditObject> {
  const blobs = Array.from({ length: COMMITTED }, randomBlob);
  const commitments = await Promise.all(blobs.map((blob) => engine.commit(blob, signal)));
  const pairOf = <T>(list: readonly T[], i: number): [T, T] => [
    list[i % COMMITTED] as T,
    list[(i + 1) % COMMITTED] as T,
  ];
  const stripes: SegmentStripe[] = [];
  for (let first = 0; first < count; first += BATCH) {
    signal.throwIfAborted();
    const batch = Array.from({ length: Math.min(BATCH, count - first) }, (_, j) => first + j);
    const made = await Promise.all(
      batch.map(async (i) => {
        const row = [1n, BigInt(i + 1)];
        const [bytes] = (await engine.linearMap([row], pairOf(blobs, i), signal)) as [Uint8Array];
        const c = await engine.combineCommitments(row, pairOf(commitments, i), signal);
        return { id: hash('sha256', bytes, 'buffer'), bytes, c };
      }),
    );
    for (const { id, c } of made) stripes.push({ c, h: new Uint8Array(id) });
    await keep(made);
  }
  return manifestOf(owner, stripes);
}

function manifestOf(owner: Signer, stripes: readonly SegmentStripe[]): AuditObject {
  const nodes = Array.from({ length: Math.ceil(stripes.length / SHARDS_PER_SEGMENT) }, (_, i) => {
    const segment = { i, stripes: stripes.slice(i * SHARDS_PER_SEGMENT, (i + 1) * SHARDS_PER_SEGMENT) };
    const bytes = encodeSegment(segment, CODE);
    return { segment, bytes, cid: nodeCid(bytes) };
  });
  const unsigned = {
    network: AUDIT_NETWORK,
    kind: 'file',
    payload: 'raw4844',
    cipher: 'none',
    size: stripes.length * SHARD_BYTES,
    code: CODE,
    segments: nodes.map(({ cid }) => cid),
    created: 1,
    owner: owner.publicKey,
  } as const;
  const root = signRoot(unsigned, owner);
  const rootBytes = encodeRoot(root);
  const rootCid = nodeCid(rootBytes);
  const code = replicaCode();
  const segments = nodes.map(({ segment, bytes, cid }) => ({
    loaded: new LoadedSegment({ rootCid, root, cid, segment, code }),
    bytes,
  }));
  return { root, rootBytes, segments };
}

/** What the holder signed for: every shard of a segment. */
export function receiptFor(holder: Signer, { rootCid, root, cid, segment }: LoadedSegment): StoreReceipt {
  return signStoreReceipt(
    {
      network: AUDIT_NETWORK,
      holder: holder.publicKey,
      owner: root.owner,
      root: rootCid,
      segment: cid,
      indices: bitmapOf(segment.stripes.keys()),
      issuedAt: 1,
      expiresAt: 0,
    },
    holder,
  );
}

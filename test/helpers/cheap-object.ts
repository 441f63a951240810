import { randomBytes } from 'node:crypto';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import type { CID } from 'multiformats/cid';
import type { KzgEngine } from '../../node/kzg/engine.ts';
import type { LabNode } from '../../node/lab/lab-network.ts';
import { bitmapOf } from '../../protocol/bitmap.ts';
import { bigIntToBytes, concat } from '../../protocol/bytes.ts';
import { nodeCid } from '../../protocol/cid.ts';
import { FIELD_ELEMENT_BYTES, FRAME_BYTES, MAX_SHARDS_PER_CALL, SHARD_BYTES } from '../../protocol/constants.ts';
import { encodeRoot, type Root, signRoot } from '../../protocol/manifest.ts';
import { encodeSegment } from '../../protocol/segment.ts';
import type { Signer } from '../../protocol/signature.ts';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';
import { sha256 } from './sample-object.ts';

const CODE = { id: 0, k: 1, m: 0 } as const;
const { Point } = bls12_381.G1;

/** An object of one segment without copies. */
export interface CheapObject {
  readonly root: CID;
  readonly rootBytes: Uint8Array;
  readonly segment: CID;
  readonly segmentBytes: Uint8Array;
  readonly ids: readonly Uint8Array[];
  shard(index: number): Uint8Array;
}

export interface CheapOptions {
  readonly engine: Pick<KzgEngine, 'commit'>;
  /** 32 bytes. */
  readonly network: Uint8Array;
  readonly owner: Signer;
  /** Up to 1,024. */
  readonly shards: number;
  /** What the manifest says in place of the true commitments. */
  readonly alter?: (commitment: Uint8Array, index: number) => Uint8Array;
}

/**
 * Shards that differ in their first element alone: it is i + 1 in shard i, so that Cᵢ = C + (i + 1)·L with C of a shard
 * where it is 0 and L of the shard that has nothing else. Two commitments make up for the 20 ms of each.
 */
export async function cheapObject({ engine, network, owner, shards, alter }: CheapOptions): Promise<CheapObject> {
  const common = new Uint8Array(SHARD_BYTES);
  for (let at = FIELD_ELEMENT_BYTES; at < SHARD_BYTES; at += FIELD_ELEMENT_BYTES) {
    common.set(randomBytes(FIELD_ELEMENT_BYTES - 1), at + 1);
  }
  const shard = (index: number, bytes = common) => {
    const own = bytes.slice();
    own.set(bigIntToBytes(BigInt(index + 1), FIELD_ELEMENT_BYTES));
    return own;
  };
  const step = Point.fromBytes(await engine.commit(shard(0, new Uint8Array(SHARD_BYTES))));
  let point = Point.fromBytes(await engine.commit(common));
  const commitments: Uint8Array[] = [];
  const ids: Uint8Array[] = [];
  for (let index = 0; index < shards; index++) {
    point = point.add(step);
    const commitment = point.toBytes(true);
    commitments.push(alter?.(commitment, index) ?? commitment);
    ids.push(sha256(shard(index)));
  }
  const stripes = ids.map((h, index) => ({ c: concat(commitments[index] as Uint8Array), h }));
  const segmentBytes = encodeSegment({ i: 0, stripes }, CODE);
  const segment = nodeCid(segmentBytes);
  const unsigned: Omit<Root, 'sig'> = {
    network,
    kind: 'file',
    cipher: 'aes-256-gcm',
    payload: 'packed31',
    size: shards * FRAME_BYTES,
    code: CODE,
    segments: [segment],
    created: Date.now(),
    owner: owner.publicKey,
  };
  const rootBytes = encodeRoot(signRoot(unsigned, owner));
  return { root: nodeCid(rootBytes), rootBytes, segment, segmentBytes, ids, shard: (index) => shard(index) };
}

/** Sends all shards to one holder, as the owner. */
export async function stageAt(holder: string, { node }: LabNode, object: CheapObject, signal: AbortSignal) {
  const upload = randomBytes(16);
  for (let first = 0; first < object.ids.length; first += MAX_SHARDS_PER_CALL) {
    const offers = object.ids
      .slice(first, first + MAX_SHARDS_PER_CALL)
      .map((id, i) => ({ id, bytes: () => object.shard(first + i) }));
    await node.host.client.stage(holder, upload, offers, signal);
  }
}

/** Has the holder sign for all that was staged. */
export async function finalizeAt(
  holder: string,
  { node }: LabNode,
  { rootBytes, segmentBytes, ids }: CheapObject,
  signal: AbortSignal,
): Promise<StoreReceipt> {
  const indices = bitmapOf(ids.map((_, index) => index));
  const [receipt] = await node.host.client.finalize(holder, rootBytes, [{ node: segmentBytes, indices }], signal);
  return receipt as StoreReceipt;
}

/** Has the owner know its file as after an upload, but for the catalog: nobody audits it by itself. */
export async function keepManifest({ node }: LabNode, object: CheapObject, receipt: StoreReceipt): Promise<void> {
  const { manifests, receivedReceipts } = node.stores;
  await manifests.putRoot(object.root, object.rootBytes);
  await manifests.putSegment(object.root, object.segment, object.segmentBytes);
  await receivedReceipts.put(receipt);
}

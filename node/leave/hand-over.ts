import type { CID } from 'multiformats/cid';
import { bitmapIndices } from '../../protocol/bitmap.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import type { Root } from '../../protocol/manifest.ts';
import { decodeSegment, type Segment, shardIdAt } from '../../protocol/segment.ts';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';
import type { CopiesDeps } from '../holdings/copies.ts';
import type { AnsweringHolder } from '../holdings/other-holders.ts';
import type { PlaceRequest, ShardLoader } from '../repair/shard-placer.ts';
import { isDamagedRecord, StoreError } from '../store/errors.ts';
import type { ShardReader } from '../store/shard-types.ts';

export interface HandOverDeps extends CopiesDeps {
  readonly manifests: { get(cid: CID): Promise<Uint8Array | undefined> };
  readonly roots: { root(cid: CID): Promise<Root | undefined> };
  readonly shards: ShardReader & { markDamaged(id: Uint8Array): Promise<boolean> };
  readonly holdings: { present(receipt: StoreReceipt): Promise<Uint8Array> };
  readonly placer: {
    place(
      request: PlaceRequest,
      signal: AbortSignal,
    ): Promise<{
      readonly receipts: ReadonlyMap<number, StoreReceipt>;
      readonly sent: number;
      readonly warnings: readonly string[];
    }>;
  };
}

/** What became of the shards of one segment that this node promised. */
export interface HandedOver {
  /** Others had them already. */
  readonly elsewhere: number;
  /** New holders signed for them. */
  readonly placed: number;
  /** Their bytes are lost here: it is for repair to rebuild them. */
  readonly lost: number;
  /** Nobody took them. */
  readonly remaining: number;
  readonly sentBytes: number;
  /** Why some remain. */
  readonly reason: string | undefined;
}

/** Damage that is found on the way is noted, and the rest tried again, so often. */
const ATTEMPTS = 4;

/**
 * Gives the shards of one segment to others: what can be read from others already is not sent, so that a second run sends
 * nothing twice. What is stored here stays: until it is gone this node answers for it. @throws the signal's reason
 */
export async function handOver(deps: HandOverDeps, receipt: StoreReceipt, signal: AbortSignal): Promise<HandedOver> {
  const manifest = await manifestOf(deps, receipt);
  const promised = bitmapIndices(receipt.indices).length;
  if (manifest === undefined) return left({ promised, reason: 'its manifest is damaged here' });
  let placed = 0;
  let sentBytes = 0;
  for (let attempt = 1; ; attempt++) {
    const here = bitmapIndices(await deps.holdings.present(receipt));
    const others = await deps.others.ofSegment(receipt.root, manifest.root, receipt.segment, signal);
    const holders = peersByIndex(others, ({ indices }) => indices);
    const signed = peersByIndex(others, (other) => other.signed);
    const claimed = here.filter((index) => holders.has(index));
    const ids = new Map(claimed.map((index) => [index, idOf(manifest, index)]));
    const confirmed = await deps.copies.confirmed(receipt.segment, ids, others, signal);
    const alone = here.filter((index) => !confirmed.has(index));
    const counts = { promised, here: here.length, alone: alone.length, placed, sentBytes };
    if (alone.length === 0) return left({ ...counts, reason: undefined });
    const shards = new Map(alone.map((index) => [index, loaderOf(deps, manifest, index)]));
    try {
      const result = await deps.placer.place({ ...manifest, shards, holders, signed }, signal);
      placed = alone.filter((index) => result.receipts.has(index)).length;
      sentBytes += result.sent * SHARD_BYTES;
      const remaining = alone.length - placed;
      const reason = remaining === 0 ? undefined : (result.warnings.at(-1) ?? 'no other peer can take them');
      return left({ ...counts, alone: remaining, placed, sentBytes, reason });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof StoreError) || attempt === ATTEMPTS) {
        return left({ ...counts, reason: error instanceof Error ? error.message : String(error) });
      }
    }
  }
}

interface Manifest {
  readonly root: Root;
  readonly rootBytes: Uint8Array;
  readonly segment: Segment;
  readonly node: Uint8Array;
}

async function manifestOf(
  { manifests, roots }: HandOverDeps,
  { root: rootCid, segment: segmentCid }: StoreReceipt,
): Promise<Manifest | undefined> {
  try {
    const rootBytes = await manifests.get(rootCid);
    const node = await manifests.get(segmentCid);
    const root = await roots.root(rootCid);
    if (rootBytes === undefined || node === undefined || root === undefined) return undefined;
    return { root, rootBytes, segment: decodeSegment(node, root.code), node };
  } catch (error) {
    if (isDamagedRecord(error)) return undefined;
    throw error;
  }
}

const idOf = ({ segment, root }: Manifest, index: number): Uint8Array =>
  shardIdAt(segment, root.code, index) as Uint8Array;

function loaderOf({ shards }: HandOverDeps, manifest: Manifest, index: number): ShardLoader {
  const id = idOf(manifest, index);
  return async (signal) => {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await shards.get(id, signal);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'damaged') throw error;
      await shards.markDamaged(id);
      throw error;
    }
    if (bytes === undefined) throw new StoreError({ code: 'damaged', id });
    return bytes;
  };
}

function peersByIndex(
  others: readonly AnsweringHolder[],
  shardsOf: (other: AnsweringHolder) => Uint8Array,
): Map<number, string[]> {
  const peers = new Map<number, string[]>();
  for (const other of others) {
    for (const index of bitmapIndices(shardsOf(other))) peers.set(index, [...(peers.get(index) ?? []), other.peer]);
  }
  return peers;
}

function left(counts: {
  readonly promised: number;
  /** Absent: as many as promised. */
  readonly here?: number;
  /** Absent: as many as are here. */
  readonly alone?: number;
  readonly placed?: number;
  readonly sentBytes?: number;
  readonly reason: string | undefined;
}): HandedOver {
  const { promised, here = promised, alone = here, placed = 0, sentBytes = 0, reason } = counts;
  const elsewhere = here - alone - placed;
  return { elsewhere, placed, lost: promised - here, remaining: alone, sentBytes, reason };
}

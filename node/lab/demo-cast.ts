import type { CID } from 'multiformats/cid';
import { bitmapIndices } from '../../protocol/bitmap.ts';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';
import { peerIdFromKey } from '../network/peer-key.ts';
import type { RandomBytes } from '../random.ts';
import type { LabNetwork, LabNode } from './lab-network.ts';

/** A lab node and what it signed for. */
export interface DemoHolder {
  readonly lab: LabNode;
  readonly receipts: readonly StoreReceipt[];
  readonly dataShards: number;
}

/** Whom the code survives without, and who reads afterwards. */
export interface DemoCast {
  readonly stopped: readonly number[];
  readonly reader: number;
}

export interface PickedShard {
  readonly segment: CID;
  readonly index: number;
}

/** The holders of an object by the receipts its owner has, ordered by number. */
export async function holdersOf(lab: LabNetwork, owner: LabNode, root: CID, code: { k: number; m: number }) {
  const numbers = new Map(lab.nodes.map(({ node, number }) => [node.peerId, number]));
  const receipts = new Map<number, StoreReceipt[]>();
  for await (const receipt of owner.node.stores.receivedReceipts.scan(root)) {
    const number = numbers.get(peerIdFromKey(receipt.holder)) as number;
    receipts.set(number, [...(receipts.get(number) ?? []), receipt]);
  }
  return [...receipts]
    .sort(([a], [b]) => a - b)
    .map(([number, own]): DemoHolder => {
      const indices = own.flatMap((receipt) => bitmapIndices(receipt.indices));
      const dataShards = indices.filter((index) => index % (code.k + code.m) < code.k).length;
      return { lab: lab.node(number), receipts: own, dataShards };
    });
}

/**
 * Stops m holders, those with the most data shards first: the loss that costs most to rebuild. The reader is a node
 * that holds nothing, so that every byte comes over the network, or else the last of the holders.
 */
export function castRoles(
  nodes: readonly { readonly number: number }[],
  holders: readonly { readonly lab: { readonly number: number }; readonly dataShards: number }[],
  owner: number,
  m: number,
): DemoCast {
  const ranked = holders.toSorted((a, b) => b.dataShards - a.dataShards).map(({ lab }) => lab.number);
  const idle = nodes.find(({ number }) => number !== owner && !ranked.includes(number));
  const reader = idle?.number ?? (ranked.at(-1) as number);
  return { reader, stopped: ranked.filter((number) => number !== reader).slice(0, m) };
}

/** Any shard that the holder signed for. */
export function pickShard({ receipts }: Pick<DemoHolder, 'receipts'>, random: RandomBytes): PickedShard {
  const shards = receipts.flatMap(({ segment, indices }) =>
    bitmapIndices(indices).map((index) => ({ segment, index })),
  );
  return shards[randomBelow(shards.length, random)] as PickedShard;
}

/** 0 … limit−1; for choices where a bias of 2⁻¹⁶ means nothing. */
export function randomBelow(limit: number, random: RandomBytes): number {
  return Number(Buffer.from(random(6)).readUIntBE(0, 6) % limit);
}

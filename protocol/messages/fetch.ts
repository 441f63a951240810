import type { CID } from 'multiformats/cid';
import { bitmapCount } from '../bitmap.ts';
import { concat, u32 } from '../bytes.ts';
import { malformed } from '../cbor.ts';
import { MAX_SHARDS_PER_CALL, SHARD_BYTES } from '../constants.ts';
import { bitmap, link } from '../fields.ts';
import { MAX_SEGMENT_SHARDS } from '../segment.ts';
import { structure } from '../structure.ts';

/** Asks for shards of a segment. After an empty `ok` each comes in a frame of its own, in order of availability. */
export interface FetchRequest {
  readonly segment: CID;
  /** At most 256 indices. */
  readonly indices: Uint8Array;
}

/** One shard of the answer; without bytes the holder says that it does not have it. */
export interface ShardFrame {
  readonly index: number;
  readonly shard?: Uint8Array;
}

const INDEX_BYTES = 4;

export const fetchRequest = structure<FetchRequest>(
  'fetch request',
  16 * 1024,
  { segment: link('node'), indices: bitmap(MAX_SEGMENT_SHARDS) },
  ({ indices }) =>
    bitmapCount(indices) > MAX_SHARDS_PER_CALL ? `it asks for more than ${MAX_SHARDS_PER_CALL} shards` : undefined,
);

/** `u32 index ‖ 131,072 bytes`, or the index alone. */
export function encodeShardFrame({ index, shard }: ShardFrame): Uint8Array {
  if (shard !== undefined && shard.length !== SHARD_BYTES)
    throw malformed('shard frame', 'its shard has another length');
  return shard === undefined ? u32(index) : concat(u32(index), shard);
}

/** The shard shares the memory of `bytes`. @throws StructureError */
export function decodeShardFrame(bytes: Uint8Array): ShardFrame {
  if (bytes.length !== INDEX_BYTES && bytes.length !== INDEX_BYTES + SHARD_BYTES) {
    throw malformed('shard frame', `${bytes.length} bytes are neither an index nor an index and a shard`);
  }
  const index = new DataView(bytes.buffer, bytes.byteOffset, INDEX_BYTES).getUint32(0);
  if (index >= MAX_SEGMENT_SHARDS) throw malformed('shard frame', `no segment has a shard ${index}`);
  return bytes.length === INDEX_BYTES ? { index } : { index, shard: bytes.subarray(INDEX_BYTES) };
}

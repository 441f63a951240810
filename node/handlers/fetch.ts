import type { CID } from 'multiformats/cid';
import { bitmapIndices } from '../../protocol/bitmap.ts';
import { u32 } from '../../protocol/bytes.ts';
import { fetchRequest } from '../../protocol/messages/fetch.ts';
import { encodeReply } from '../../protocol/status.ts';
import { StoreError } from '../store/errors.ts';
import type { ShardReader } from '../store/shard-types.ts';
import { type Exchange, type Handler, ok, refuse } from './handler.ts';

export interface FetchDeps {
  readonly shards: ShardReader & {
    /** Ids of the shards of a segment that this node answers for, by index. */
    idsOf(segment: CID): Promise<ReadonlyMap<number, Uint8Array>>;
  };
  /** Told of a shard whose bytes turned out to be damaged. */
  readonly onDamaged: (id: Uint8Array) => void;
}

/** Shards read and sent together: enough to hide the disk, few enough to bound memory (two batches, 8 × 128 KiB). */
const BATCH = 4;

/** Sends shards, reading ahead of the stream; one that is not held is said so (protocol v1 §6). */
export function fetchHandler(deps: FetchDeps): Handler {
  return async (bytes, exchange) => {
    const { segment, indices } = fetchRequest.decode(bytes);
    const ids = await deps.shards.idsOf(segment);
    if (ids.size === 0) throw refuse('not-held', 'unknown-segment', `nothing of ${segment} is held here`);
    await exchange.write(encodeReply(ok()));
    await sendAll(deps, exchange, bitmapIndices(indices), ids);
  };
}

interface Read {
  readonly index: number;
  readonly shard: Uint8Array | undefined;
}

async function sendAll(
  deps: FetchDeps,
  exchange: Exchange,
  indices: readonly number[],
  ids: ReadonlyMap<number, Uint8Array>,
): Promise<void> {
  const readBatch = (from: number): Promise<Read[]> => {
    const batch = indices.slice(from, from + BATCH);
    const reads = Promise.all(batch.map((index) => read(deps, index, ids.get(index), exchange.signal)));
    // It may fail while the batch before is being sent.
    reads.catch(() => undefined);
    return reads;
  };
  let next = readBatch(0);
  for (let from = BATCH; from < indices.length + BATCH; from += BATCH) {
    const batch = await next;
    if (from < indices.length) next = readBatch(from);
    await exchange.writeAll(
      batch.map(({ index, shard }) => (shard === undefined ? [u32(index)] : [u32(index), shard])),
    );
  }
}

async function read(deps: FetchDeps, index: number, id: Uint8Array | undefined, signal: AbortSignal): Promise<Read> {
  if (id === undefined) return { index, shard: undefined };
  try {
    return { index, shard: await deps.shards.get(id, signal) };
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'damaged') throw error;
    deps.onDamaged(id);
    return { index, shard: undefined };
  }
}

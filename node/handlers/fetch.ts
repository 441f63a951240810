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

/** Reads under way per request: enough to hide the disk, few enough to bound memory (4 × 128 KiB). */
const READ_AHEAD = 4;

/** Sends shards in the order in which the disk gives them; one that is not held is said so (protocol v1 §6). */
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
  const pending = new Map<number, Promise<Read>>();
  let next = 0;
  while (next < indices.length || pending.size > 0) {
    while (next < indices.length && pending.size < READ_AHEAD) {
      const index = indices[next++] as number;
      pending.set(index, read(deps, index, ids.get(index), exchange.signal));
    }
    const { index, shard } = await Promise.race(pending.values());
    pending.delete(index);
    if (shard === undefined) await exchange.write(u32(index));
    else await exchange.write(u32(index), shard);
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

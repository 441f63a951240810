import { toHex } from '../../protocol/bytes.ts';
import { freeBytes } from '../free-bytes.ts';
import type { BlobAccumulator } from '../kzg/engine.ts';
import { StoreError } from '../store/errors.ts';
import type { ShardReader } from '../store/shard-types.ts';

/** Reads under way: two batches of the database, one of which is summed while the other is read. */
const READ_AHEAD = 8;
/** Asked for together, so that the database reads them in one go on another thread. */
const BATCH = 4;

export interface ShardSource {
  readonly shards: ShardReader;
  /** Told of a shard whose bytes turned out to be damaged. */
  readonly onDamaged: (id: Uint8Array) => void;
}

/**
 * Σ coefficients[i] · shard of ids[i] in constant memory: each shard is read, hashed, added and its memory given back.
 * Undefined when a shard turned out to be lost, after `lost`, hex ids, has all of them.
 *
 * @throws KzgError of the accumulator; the signal's reason.
 */
export async function sumShards(
  source: ShardSource,
  sum: BlobAccumulator,
  ids: readonly Uint8Array[],
  coefficients: readonly bigint[],
  lost: Set<string>,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  let complete = true;
  const ahead: Promise<Uint8Array | undefined>[] = [];
  let next = 0;
  try {
    for (const [i, id] of ids.entries()) {
      if (ahead.length <= READ_AHEAD - BATCH) {
        while (next < ids.length && ahead.length < READ_AHEAD) {
          const reading = read(source, ids[next++] as Uint8Array, signal);
          // Awaited in order below; until then a rejection must not count as unhandled.
          reading.catch(() => undefined);
          ahead.push(reading);
        }
      }
      const blob = await (ahead.shift() as Promise<Uint8Array | undefined>);
      if (blob === undefined) {
        lost.add(toHex(id));
        complete = false;
        continue;
      }
      if (complete) sum.add(coefficients[i] as bigint, blob);
      freeBytes(blob);
    }
  } finally {
    await Promise.allSettled(ahead);
  }
  return complete ? sum.finish() : undefined;
}

async function read(source: ShardSource, id: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
  signal.throwIfAborted();
  try {
    return await source.shards.get(id, signal);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'damaged') throw error;
    source.onDamaged(id);
    return undefined;
  }
}

import { toHex } from '../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import type { Logger } from '../log.ts';
import { StoreError } from '../store/errors.ts';
import type { ScrubCounts } from '../store/scrub-store.ts';
import type { ShardReader } from '../store/shard-types.ts';
import type { StoredPage } from '../store/stored-page.ts';

export interface ScrubbedShards extends ShardReader {
  storedAfter(after: Uint8Array | undefined): Promise<StoredPage>;
  markDamaged(id: Uint8Array): Promise<boolean>;
}

export interface ScrubPassOptions {
  readonly shards: ScrubbedShards;
  readonly log: Logger;
  /** Where it begins: what was looked at before. */
  readonly from: ScrubCounts & { readonly after?: Uint8Array };
  /** Resolves when so many bytes may be read. */
  readonly mayRead: (bytes: number, signal: AbortSignal) => Promise<void>;
  /** Told of every shard, and at the end of every page; the pass waits for the latter. */
  readonly onChecked?: (counts: ScrubCounts) => void;
  readonly onPage?: (counts: ScrubCounts, after: Uint8Array) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Shards in memory at a time, half a MiB; reading ahead hides the disk. */
const BATCH = 4;

/**
 * Reads all shards in the order of their ids and declares lost those that are not what they should be. Nothing is locked and
 * only a few shards are held in memory; what comes meanwhile behind the place that is being read waits for the next pass.
 * @throws the signal's reason; StoreError `closed`
 */
export async function scrubPass(options: ScrubPassOptions): Promise<ScrubCounts> {
  const { shards, mayRead, onChecked, onPage, signal } = options;
  let { checkedShards, damagedShards, unreadableShards, after } = options.from;
  const counts = (): ScrubCounts => ({ checkedShards, damagedShards, unreadableShards });
  for (;;) {
    const { ids, next } = await shards.storedAfter(after);
    for (let first = 0; first < ids.length; first += BATCH) {
      const batch = ids.slice(first, first + BATCH);
      await mayRead(batch.length * SHARD_BYTES, signal);
      const found = await Promise.all(batch.map((id) => check(options, id)));
      checkedShards += found.length;
      damagedShards += found.filter((state) => state === 'damaged').length;
      unreadableShards += found.filter((state) => state === 'unreadable').length;
      onChecked?.(counts());
    }
    if (next === undefined) return counts();
    after = next;
    await onPage?.(counts(), next);
    signal.throwIfAborted();
  }
}

async function check({ shards, log, signal }: ScrubPassOptions, id: Uint8Array) {
  try {
    if ((await shards.get(id, signal)) !== undefined) return 'whole';
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof StoreError) || error.code === 'closed') throw error;
    if (error.code !== 'damaged') {
      log.warn('a stored shard could not be read', { shard: toHex(id), reason: error.message });
      return 'unreadable';
    }
  }
  // Looked at again by the only writer: it may have been let go, or staged anew.
  if (!(await shards.markDamaged(id))) return 'whole';
  log.error('a stored shard is damaged and declared lost', { shard: toHex(id) });
  return 'damaged';
}

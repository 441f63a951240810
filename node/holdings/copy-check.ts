import type { CID } from 'multiformats/cid';
import { bitmapIndices, bitmapOf } from '../../protocol/bitmap.ts';
import type { Clock } from '../clock.ts';
import { withDeadline } from '../network/deadline.ts';
import { isShard } from '../shard-id.ts';
import { forEachLimited } from '../transfer/abortable.ts';
import type { FetchClient } from '../transfer/ports.ts';
import type { AnsweringHolder } from './other-holders.ts';

export interface CopyCheckDeps {
  readonly client: FetchClient;
  readonly clock: Clock;
}

/** Peers that are read from at a time, one shard of each in memory. */
const CONCURRENCY = 4;
/** The most that one call may ask for. */
const MAX_FETCHED = 256;
const PEER_TIMEOUT_MS = 60_000;
/** For one segment; what is not confirmed by then counts as not there. */
const TIMEOUT_MS = 120_000;

/** Reads the copies that others say to have: anybody can sign for shards that it never saw. */
export class CopyCheck {
  readonly #deps: CopyCheckDeps;

  constructor(deps: CopyCheckDeps) {
    this.#deps = deps;
  }

  /**
   * Those of the shards of a segment of which one of the holders sent the bytes just now. @throws the signal's reason
   *
   * @param ids index → SHA-256 of the shards to be looked for
   */
  async confirmed(
    segment: CID,
    ids: ReadonlyMap<number, Uint8Array>,
    holders: readonly Pick<AnsweringHolder, 'peer' | 'indices'>[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<number>> {
    const { client, clock } = this.#deps;
    const found = new Set<number>();
    const look = (limited: AbortSignal) =>
      forEachLimited(holders, CONCURRENCY, async ({ peer, indices }) => {
        limited.throwIfAborted();
        const open = bitmapIndices(indices).filter((index) => ids.has(index) && !found.has(index));
        if (open.length === 0) return;
        const read = (own: AbortSignal) => readCopies(client, peer, segment, ids, open, found, own);
        await withDeadline(clock, PEER_TIMEOUT_MS, limited, read).catch(() => limited.throwIfAborted());
      });
    await withDeadline(clock, TIMEOUT_MS, signal, look).catch(() => signal.throwIfAborted());
    return new Set(found);
  }
}

/** Adds to `found` the indices of those shards of which the peer sends the bytes. */
export async function readCopies(
  client: FetchClient,
  peer: string,
  segment: CID,
  ids: ReadonlyMap<number, Uint8Array>,
  indices: readonly number[],
  found: Set<number>,
  signal: AbortSignal,
): Promise<void> {
  for (let start = 0; start < indices.length; start += MAX_FETCHED) {
    const asked = bitmapOf(indices.slice(start, start + MAX_FETCHED));
    for await (const { index, shard } of client.fetch(peer, segment, asked, signal)) {
      const id = ids.get(index);
      if (id !== undefined && shard !== undefined && isShard(id, shard)) found.add(index);
    }
  }
}

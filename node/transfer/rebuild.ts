import type { CID } from 'multiformats/cid';
import { equalBytes } from '../../protocol/bytes.ts';
import type { CodeParameters } from '../../protocol/code.ts';
import { shardPosition } from '../../protocol/geometry.ts';
import { type Segment, type StripeView, stripeOf } from '../../protocol/segment.ts';
import type { Clock } from '../clock.ts';
import { shardId } from '../shard-id.ts';
import type { CodeBook, FetchClient } from './ports.ts';
import { type ShardFault, ShardFetcher, StripeShortage } from './shard-fetcher.ts';

export interface RebuildRequest {
  readonly code: CodeParameters;
  readonly cid: CID;
  readonly segment: Segment;
  /** Index → the peers that have the shard, the best first. */
  readonly sources: ReadonlyMap<number, readonly string[]>;
  /** Indices to rebuild, at most one batch: all results are in memory together. */
  readonly indices: readonly number[];
}

/** Index → shard, each checked against its hash. @throws StripeShortage */
export type Rebuild = (request: RebuildRequest, signal: AbortSignal) => Promise<ReadonlyMap<number, Uint8Array>>;

/** Rebuilds shards from any k′ others of their stripes, one stripe after the other. */
export function rebuilder(options: {
  readonly client: FetchClient;
  readonly codes: CodeBook;
  readonly clock: Clock;
  /** Told of peers that do not serve what they said they have; another source is taken. */
  readonly onShardFault?: (fault: ShardFault) => void;
  /** Remembers who kept a rebuild waiting: asked when the others do not have enough. Absent: nobody is. */
  readonly slow?: { add(peer: string): void; has(peer: string): boolean };
}): Rebuild {
  const { codes, slow, ...fetching } = options;
  return async ({ code, cid, segment, sources: known, indices }, signal) => {
    const avoided = new Set([...known.values()].flat().filter((peer) => slow?.has(peer)));
    const sources = {
      holders: (_segment: CID, index: number) => (known.get(index) ?? []).filter((peer) => !avoided.has(peer)),
      refresh: async () => avoided.clear(),
    };
    const onStalled = (peer: string) => slow?.add(peer);
    const fetcher = new ShardFetcher({ ...fetching, sources, code, onStalled });
    const stop = () => fetcher.close(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      const shards = new Map<number, Uint8Array>();
      for (const [stripe, positions] of byStripe(code, indices)) {
        const view = stripeOf(segment, code, stripe) as StripeView;
        const want = Array.from({ length: view.dataCount }, (_, j) => j);
        const have = await fetcher.fetch({ segment: cid, stripe, view, want, extra: 0 });
        const request = { k: code.k, m: code.m, dataCount: view.dataCount, have, want: positions };
        const built = await codes(code.id).reconstruct(request, signal);
        for (const [i, position] of positions.entries()) {
          const shard = built[i] as Uint8Array;
          // The manifest's hash decides: a parity shard that the owner miscoded must not be spread.
          if (!equalBytes(shardId(shard), view.hashes[position] as Uint8Array))
            throw new StripeShortage(0, view.dataCount);
          shards.set(stripe * (code.k + code.m) + position, shard);
        }
      }
      return shards;
    } finally {
      signal.removeEventListener('abort', stop);
      fetcher.close(new DOMException('the rebuild is over', 'AbortError'));
    }
  };
}

function byStripe(code: CodeParameters, indices: readonly number[]): Map<number, number[]> {
  const stripes = new Map<number, number[]>();
  for (const index of indices) {
    const { stripe, position } = shardPosition(code, index);
    const positions = stripes.get(stripe) ?? [];
    positions.push(position);
    stripes.set(stripe, positions);
  }
  return stripes;
}

import type { CID } from 'multiformats/cid';
import { toHex } from '../../protocol/bytes.ts';
import type { ShardName } from '../audit/outcome.ts';
import type { ShardFindings } from '../audit/shard-findings.ts';
import type { Clock } from '../clock.ts';
import { KeyedLock } from '../keyed-lock.ts';
import { keyFromPeerId } from '../network/peer-key.ts';
import type { LossReason, LostShard, LostShardStore } from '../store/lost-shard-store.ts';

/** A shard of an object, without its id. */
export interface LostName {
  readonly root: CID;
  readonly segment: CID;
  readonly index: number;
}

export interface LostShardsDeps {
  readonly store: Pick<LostShardStore, 'put' | 'of' | 'has' | 'remove' | 'holders'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Told of a holder that lost shards, once per object. */
  readonly onLost: (peer: string, root: CID) => void;
  /** Told of lost shards, by id, that a holder has again. */
  readonly onRestored: (peer: string, ids: readonly Uint8Array[]) => Promise<void>;
}

/** What is known to be lost, shard by shard and holder by holder, until it is proved or staged again. */
export class LostShards {
  readonly #deps: LostShardsDeps;
  /** Keys in hex of the holders with records: all others need no look into the database. */
  readonly #holders = new Set<string>();
  readonly #locks = new KeyedLock();

  constructor(deps: LostShardsDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    for await (const holder of this.#deps.store.holders()) this.#holders.add(toHex(holder));
  }

  /** Takes what an audit showed. Durable on return. */
  async found({ peer, lost, why, proved }: ShardFindings): Promise<void> {
    if (this.#holders.has(toHex(keyFromPeerId(peer)))) {
      await this.restored(peer, proved());
    }
    if (lost.length > 0) await this.lost(peer, lost, why);
  }

  /** Durable on return. */
  async lost(peer: string, shards: readonly LostName[], why: LossReason): Promise<void> {
    const { store, clock, onLost } = this.#deps;
    const holder = keyFromPeerId(peer);
    const roots = new Map<string, CID>();
    await this.#locks.run(toHex(holder), undefined, async () => {
      this.#holders.add(toHex(holder));
      for (const { root, segment, names } of bySegment(shards)) {
        const indices = names.map(({ index }) => index);
        await store.put(holder, segment, indices, { why, at: clock.now() });
        roots.set(root.toString(), root);
      }
    });
    for (const root of roots.values()) onLost(peer, root);
  }

  /** The holder has these shards again. Durable on return. */
  async restored(peer: string, shards: readonly ShardName[]): Promise<void> {
    const { onRestored } = this.#deps;
    for (const { segment, names } of bySegment(shards)) {
      const known = await this.of(peer, segment);
      const again = names.filter(({ index }) => known.has(index));
      if (again.length === 0) continue;
      // Told first: a stop in between repeats it.
      await onRestored(
        peer,
        again.map(({ id }) => id),
      );
      await this.#remove(
        keyFromPeerId(peer),
        segment,
        again.map(({ index }) => index),
      );
    }
  }

  /** Whether a holder, named by its key, has lost something of a segment. */
  async has(holder: Uint8Array, segment: CID, signal?: AbortSignal): Promise<boolean> {
    return this.#holders.has(toHex(holder)) && (await this.#deps.store.of(holder, segment, signal)).size > 0;
  }

  /** The segment is not looked after any more at this holder, named by its key. Durable on return. */
  async forget(holder: Uint8Array, segment: CID, signal?: AbortSignal): Promise<void> {
    await this.#remove(holder, segment, [...(await this.#deps.store.of(holder, segment, signal)).keys()]);
  }

  #remove(holder: Uint8Array, segment: CID, indices: readonly number[]): Promise<void> {
    const { store } = this.#deps;
    return this.#locks.run(toHex(holder), undefined, async () => {
      await store.remove(holder, segment, indices);
      if (!(await store.has(holder))) this.#holders.delete(toHex(holder));
    });
  }

  /** What a holder has lost of a segment, by index. */
  async of(peer: string, segment: CID, signal?: AbortSignal): Promise<ReadonlyMap<number, LostShard>> {
    const holder = keyFromPeerId(peer);
    if (!this.#holders.has(toHex(holder))) return NOTHING;
    return this.#deps.store.of(holder, segment, signal);
  }
}

const NOTHING: ReadonlyMap<number, LostShard> = new Map();

function bySegment<T extends LostName>(shards: readonly T[]): { root: CID; segment: CID; names: T[] }[] {
  const segments = new Map<string, { root: CID; segment: CID; names: T[] }>();
  for (const name of shards) {
    const { root, segment } = name;
    const key = `${root} ${segment}`;
    const entry = segments.get(key) ?? { root, segment, names: [] };
    entry.names.push(name);
    segments.set(key, entry);
  }
  return [...segments.values()];
}

import { decode, encode } from '@ipld/dag-cbor';
import type { CID } from 'multiformats/cid';
import { concat, equalBytes, u32 } from '../../protocol/bytes.ts';
import { CID_BYTES, cidKey, u32At } from './key-codec.ts';
import { type Metadata, Table } from './metadata.ts';

/**
 * declared: the holder says so itself; disproved: its proof of the shard is false; silent: it answers for its other shards,
 * not for this one; garbage: it served other bytes.
 */
export type LossReason = 'declared' | 'disproved' | 'silent' | 'garbage';

export interface LostShard {
  readonly why: LossReason;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const KEY_BYTES = 32;

/** Shards that a holder signed for and does not have, as far as this node knows. */
export class LostShardStore {
  readonly #metadata: Metadata;
  readonly #lost: Table;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    this.#lost = new Table(metadata, 'lostShard');
  }

  /** Durable on return. `holder` is a 32-byte key. */
  async put(holder: Uint8Array, segment: CID, indices: readonly number[], loss: LostShard): Promise<void> {
    const value = encode(loss);
    await this.#metadata.database.write(
      indices.map((index) => this.#lost.putting(rowKey(holder, segment, index), value)),
    );
  }

  /** Losses of one holder in one segment, by index. */
  async of(holder: Uint8Array, segment: CID, signal?: AbortSignal): Promise<Map<number, LostShard>> {
    const prefix = concat(holder, cidKey(segment));
    const lost = new Map<number, LostShard>();
    for await (const [key, value] of this.#lost.entries({ prefix, signal })) {
      lost.set(u32At(key, KEY_BYTES + CID_BYTES), decode<LostShard>(value));
    }
    return lost;
  }

  /** Whether a holder has lost anything. */
  async has(holder: Uint8Array): Promise<boolean> {
    for await (const _ of this.#lost.keys({ prefix: holder })) return true;
    return false;
  }

  /** Keys of all holders that have lost something, each once. */
  async *holders(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    let last: Uint8Array | undefined;
    for await (const key of this.#lost.keys({ signal })) {
      const holder = key.slice(0, KEY_BYTES);
      if (last === undefined || !equalBytes(holder, last)) yield holder;
      last = holder;
    }
  }

  /** Durable on return. Idempotent. */
  async remove(holder: Uint8Array, segment: CID, indices: readonly number[]): Promise<void> {
    await this.#metadata.database.write(indices.map((index) => this.#lost.deleting(rowKey(holder, segment, index))));
  }
}

function rowKey(holder: Uint8Array, segment: CID, index: number): Uint8Array {
  return concat(holder, cidKey(segment), u32(index));
}

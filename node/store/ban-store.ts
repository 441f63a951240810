import { decode, encode } from '@ipld/dag-cbor';
import { peerKey } from './key-codec.ts';
import { type Metadata, Table } from './metadata.ts';

/** A peer that the operator gives nothing to and takes nothing from. */
export interface Ban {
  readonly peer: string;
  /** When it was banned, milliseconds since 1970. */
  readonly at: number;
  /** When the ban ends; absent: never. */
  readonly until?: number;
  readonly reason?: string;
}

/** Bans of the operator, one per peer. */
export class BanStore {
  readonly #metadata: Metadata;
  readonly #bans: Table;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    this.#bans = new Table(metadata, 'ban');
  }

  /** Durable on return; takes the place of an earlier ban of the peer. */
  async put(ban: Ban): Promise<void> {
    await this.#metadata.database.write([this.#bans.putting(peerKey(ban.peer), encode(ban))]);
  }

  /** Durable on return. Idempotent. */
  async remove(peer: string): Promise<void> {
    await this.#metadata.database.write([this.#bans.deleting(peerKey(peer))]);
  }

  /** By peer key. */
  async *list(signal?: AbortSignal): AsyncGenerator<Ban> {
    for await (const [, bytes] of this.#bans.entries({ signal })) yield decode<Ban>(bytes);
  }
}

import { decode, encode } from '@ipld/dag-cbor';
import { type Metadata, Table } from './metadata.ts';

export interface ScrubCounts {
  /** Shards read and compared with their ids. */
  readonly checkedShards: number;
  /** Of these, those that were found damaged or gone, and are declared lost. */
  readonly damagedShards: number;
  /** Shards that the disk failed to read; nothing is known of them. */
  readonly unreadableShards: number;
}

/** A pass that came to its end. */
export interface FinishedScrub extends ScrubCounts {
  readonly startedAt: number;
  readonly finishedAt: number;
}

/** Where the reading of all that is stored stands. Times are milliseconds since 1970. */
export interface ScrubState {
  readonly last?: FinishedScrub;
  /** The pass under way: all ids up to `after` were looked at. */
  readonly pass?: ScrubCounts & { readonly startedAt: number; readonly after?: Uint8Array };
}

const KEY = new Uint8Array(0);

/** What the reading of all that is stored must not forget. */
export class ScrubStore {
  readonly #metadata: Metadata;
  readonly #states: Table;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    this.#states = new Table(metadata, 'scrub');
  }

  /** Nothing when there is no record or it is damaged: all is read again then. */
  async get(): Promise<ScrubState> {
    for await (const [, bytes] of this.#states.entries()) return decode<ScrubState>(bytes);
    return {};
  }

  /** Durable on return. */
  async put(state: ScrubState): Promise<void> {
    await this.#metadata.database.write([this.#states.putting(KEY, encode(state))]);
  }
}

import { decode, encode } from '@ipld/dag-cbor';
import { type Metadata, Table } from './metadata.ts';

/** What was seen of a holder. */
export interface HolderRecord {
  /** Since when it has been watched, milliseconds since 1970. */
  readonly since: number;
  /** How often it was gone for good, or lost shards. */
  readonly failures: number;
}

/** How holders have done so far: from this their rates of failure are measured. */
export class HolderFailureStore {
  readonly #metadata: Metadata;
  readonly #records: Table;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    this.#records = new Table(metadata, 'holderFailures');
  }

  /** @param holder 32-byte key. @throws StoreError `damaged-record` */
  async get(holder: Uint8Array): Promise<HolderRecord | undefined> {
    const bytes = await this.#records.get(holder);
    return bytes && decode<HolderRecord>(bytes);
  }

  /** Durable on return. */
  async put(holder: Uint8Array, record: HolderRecord): Promise<void> {
    await this.#metadata.database.write([this.#records.putting(holder, encode(record))]);
  }
}

import { concat } from '../../protocol/bytes.ts';
import { type Metadata, Table, writeInBatches } from './metadata.ts';
import { UPLOAD_BYTES } from './staged-claim.ts';
import type { Operation } from './write-queue.ts';

const MAX_NAME_BYTES = 128;

/** Uploads in progress: named records of each, opaque here. Every write is durable (synced) on return. */
export class JournalStore {
  readonly #metadata: Metadata;
  readonly #records: Table;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    this.#records = new Table(metadata, 'journal');
  }

  async put(upload: Uint8Array, entry: string, value: Uint8Array): Promise<void> {
    await this.#metadata.database.write([this.#records.putting(recordKey(upload, entry), value)]);
  }

  /** @throws StoreError `damaged-record`. */
  get(upload: Uint8Array, entry: string): Promise<Uint8Array | undefined> {
    return this.#records.get(recordKey(upload, entry));
  }

  /** Idempotent; all at once. */
  async remove(upload: Uint8Array, entries: readonly string[]): Promise<void> {
    const { database } = this.#metadata;
    await database.write(entries.map((entry) => this.#records.deleting(recordKey(upload, entry))));
  }

  /** The uploads that have records, each once, by id. */
  async *uploads(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    let last: Uint8Array | undefined;
    for (;;) {
      // The highest name sorts below 0xff: one step skips all records of an upload.
      const after = last === undefined ? undefined : concat(last, Uint8Array.of(0xff));
      const next = await this.#records.keys({ after, signal }).next();
      if (next.done) return;
      last = next.value.slice(0, UPLOAD_BYTES);
      yield last;
    }
  }

  /** Removes all records of an upload. Idempotent; after a crash, call it again. */
  async drop(upload: Uint8Array): Promise<void> {
    await writeInBatches(this.#metadata.database, this.#removal(upload));
  }

  async *#removal(upload: Uint8Array): AsyncGenerator<Operation> {
    checkUpload(upload);
    for await (const key of this.#records.keys({ prefix: upload })) yield this.#records.deleting(key);
  }
}

function recordKey(upload: Uint8Array, entry: string): Uint8Array {
  const name = new TextEncoder().encode(entry);
  checkUpload(upload);
  if (name.length === 0 || name.length > MAX_NAME_BYTES) {
    throw new RangeError(`a journal entry name has 1 to ${MAX_NAME_BYTES} bytes`);
  }
  return concat(upload, name);
}

function checkUpload(upload: Uint8Array): void {
  if (upload.length !== UPLOAD_BYTES) throw new RangeError(`an upload id has ${UPLOAD_BYTES} bytes`);
}

import { concat } from '../../protocol/bytes.ts';
import { openValue, sealValue } from './checked-value.ts';
import type { Database } from './database.ts';
import { StoreError } from './errors.ts';
import { prefixRange } from './key-codec.ts';
import { META_NAMESPACES, type MetaNamespace } from './meta-namespaces.ts';
import type { Operation } from './write-queue.ts';

export interface Scan {
  /** First columns of the key. */
  readonly prefix?: Uint8Array;
  /** Only what comes after this key (in the order of the scan). */
  readonly after?: Uint8Array | undefined;
  readonly reverse?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The metadata database: what its tables share. */
export interface Metadata {
  readonly database: Database;
  /** Told of records that a scan passes over because their checksum is wrong. */
  readonly onDamaged: (error: StoreError) => void;
}

/** One numbered namespace. Every value carries a checksum that is verified at every read; every write is synced. */
export class Table {
  readonly #metadata: Metadata;
  readonly #namespace: MetaNamespace;
  readonly #prefix: Uint8Array;

  constructor(metadata: Metadata, namespace: MetaNamespace) {
    this.#metadata = metadata;
    this.#namespace = namespace;
    this.#prefix = Uint8Array.of(META_NAMESPACES[namespace]);
  }

  /** @throws StoreError `damaged-record`. */
  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const stored = concat(this.#prefix, key);
    const sealed = await this.#metadata.database.get(stored);
    if (sealed === undefined) return undefined;
    const value = openValue(stored, sealed);
    if (value === undefined) throw this.damaged(key);
    return value;
  }

  async has(key: Uint8Array): Promise<boolean> {
    const [found] = await this.#metadata.database.hasMany([concat(this.#prefix, key)]);
    return found === true;
  }

  putting(key: Uint8Array, value: Uint8Array = new Uint8Array(0)): Operation {
    const stored = concat(this.#prefix, key);
    return { type: 'put', key: stored, value: sealValue(stored, value) };
  }

  deleting(key: Uint8Array): Operation {
    return { type: 'del', key: concat(this.#prefix, key) };
  }

  /** Keys (without the namespace) and values, in bounded pages. Damaged records are reported and passed over. */
  async *entries(scan: Scan = {}): AsyncGenerator<readonly [key: Uint8Array, value: Uint8Array]> {
    for await (const [key, value] of this.records(scan)) {
      if (value === undefined) this.#metadata.onDamaged(this.damaged(key));
      else yield [key, value];
    }
  }

  /** As `entries`, with the damaged ones: their value is undefined. */
  async *records(scan: Scan = {}): AsyncGenerator<readonly [key: Uint8Array, value: Uint8Array | undefined]> {
    for await (const [stored, sealed] of this.#scan(scan)) {
      yield [stored.slice(this.#prefix.length), openValue(stored, sealed)];
    }
  }

  /** Keys alone: also those of damaged records. */
  async *keys(scan: Scan = {}): AsyncGenerator<Uint8Array> {
    for await (const [stored] of this.#scan(scan)) yield stored.slice(this.#prefix.length);
  }

  damaged(key: Uint8Array): StoreError {
    return new StoreError({ code: 'damaged-record', table: this.#namespace, key });
  }

  #scan({ prefix = new Uint8Array(0), after, reverse = false, signal }: Scan) {
    const range = prefixRange(concat(this.#prefix, prefix));
    const start = after === undefined ? undefined : concat(this.#prefix, after);
    if (start === undefined) return this.#metadata.database.entries({ ...range, reverse }, signal);
    if (reverse) return this.#metadata.database.entries({ ...range, lt: start, reverse }, signal);
    return this.#metadata.database.entries({ ...range, gt: start }, signal);
  }
}

/** Operations of one batch: a removal of thousands of records is cut into batches of this size. */
const REMOVAL_BATCH = 1000;

/** Writes operations in order, in bounded synced batches: for removals, which may be repeated after a crash. */
export async function writeInBatches(database: Database, operations: AsyncIterable<Operation>): Promise<void> {
  let batch: Operation[] = [];
  for await (const operation of operations) {
    batch.push(operation);
    if (batch.length < REMOVAL_BATCH) continue;
    await database.write(batch);
    batch = [];
  }
  if (batch.length > 0) await database.write(batch);
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

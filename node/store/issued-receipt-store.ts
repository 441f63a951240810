import type { CID } from 'multiformats/cid';
import { concat } from '../../protocol/bytes.ts';
import { decodeStoreReceipt, encodeStoreReceipt, type StoreReceipt } from '../../protocol/store-receipt.ts';
import { CID_BYTES, cidAt, cidKey } from './key-codec.ts';
import { collect, type Metadata, Table, writeInBatches } from './metadata.ts';
import type { Operation } from './write-queue.ts';

/** Store receipts that this node signed: one for each (root, segment), the newest counts. */
export class IssuedReceiptStore {
  readonly #metadata: Metadata;
  readonly #receipts: Table;
  readonly #bySegment: Table;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    this.#receipts = new Table(metadata, 'issuedReceipt');
    this.#bySegment = new Table(metadata, 'issuedBySegment');
  }

  /** Durable on return. Replaces an earlier one for the same segment of the object. */
  async put(receipt: StoreReceipt): Promise<void> {
    const { root, segment } = receipt;
    await this.#metadata.database.write([
      this.#receipts.putting(concat(cidKey(root), cidKey(segment)), encodeStoreReceipt(receipt)),
      this.#bySegment.putting(concat(segment.bytes, root.bytes)),
    ]);
  }

  /** @throws StoreError `damaged-record`. */
  async get(root: CID, segment: CID): Promise<StoreReceipt | undefined> {
    const bytes = await this.#receipts.get(concat(cidKey(root), cidKey(segment)));
    return bytes === undefined ? undefined : decodeStoreReceipt(bytes);
  }

  /** Receipts of an object (of all objects without `root`), by root and segment CID bytes. `after`: a segment of the root. */
  async *scan(options: { root?: CID; after?: CID; signal?: AbortSignal } = {}): AsyncGenerator<StoreReceipt> {
    const { root, after, signal } = options;
    const prefix = root === undefined ? new Uint8Array(0) : cidKey(root);
    const start = after === undefined ? undefined : concat(prefix, cidKey(after));
    for await (const [, bytes] of this.#receipts.entries({ prefix, after: start, signal })) {
      yield decodeStoreReceipt(bytes);
    }
  }

  ofRoot(root: CID, signal?: AbortSignal): Promise<StoreReceipt[]> {
    return collect(this.scan({ root, ...(signal && { signal }) }));
  }

  async ofSegment(segment: CID, signal?: AbortSignal): Promise<StoreReceipt[]> {
    const receipts: StoreReceipt[] = [];
    for await (const key of this.#bySegment.keys({ prefix: cidKey(segment), signal })) {
      const receipt = await this.get(cidAt(key, CID_BYTES), segment);
      if (receipt !== undefined) receipts.push(receipt);
    }
    return receipts;
  }

  /** After a release. Idempotent. */
  async removeRoot(root: CID): Promise<void> {
    await writeInBatches(this.#metadata.database, this.#removal(root));
  }

  async *#removal(root: CID): AsyncGenerator<Operation> {
    for await (const key of this.#receipts.keys({ prefix: cidKey(root) })) {
      yield this.#bySegment.deleting(concat(key.subarray(CID_BYTES), root.bytes));
      yield this.#receipts.deleting(key);
    }
  }
}

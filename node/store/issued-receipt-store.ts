import type { CID } from 'multiformats/cid';
import { isSubsetOf } from '../../protocol/bitmap.ts';
import { concat, u64 } from '../../protocol/bytes.ts';
import { decodeStoreReceipt, encodeStoreReceipt, type StoreReceipt } from '../../protocol/store-receipt.ts';
import { isDamagedRecord } from './errors.ts';
import { CID_BYTES, cidAt, cidKey, u64At } from './key-codec.ts';
import { collect, type Metadata, Table, writeInBatches } from './metadata.ts';
import type { Operation } from './write-queue.ts';

/** A promise of this node for a segment of an object that ends, as it was signed; a later one may have taken its place. */
export interface LeaseEnd {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly root: CID;
  readonly segment: CID;
}

const BY_TIME = Uint8Array.of(0);
const BY_SEGMENT = Uint8Array.of(1);
const TIME_BYTES = 8;

/** Store receipts that this node signed: one for each (root, segment), the newest counts. */
export class IssuedReceiptStore {
  readonly #metadata: Metadata;
  readonly #receipts: Table;
  readonly #bySegment: Table;
  readonly #ends: Table;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    this.#receipts = new Table(metadata, 'issuedReceipt');
    this.#bySegment = new Table(metadata, 'issuedBySegment');
    this.#ends = new Table(metadata, 'leaseEnd');
  }

  /**
   * Durable on return. Replaces an earlier one for the same segment of the object, of which the end is still remembered where
   * this one does not cover all of it for longer. Not to be called twice at a time for one segment.
   */
  async put(receipt: StoreReceipt): Promise<void> {
    const { root, segment, indices, expiresAt: at } = receipt;
    const operations = [
      this.#receipts.putting(concat(cidKey(root), cidKey(segment)), encodeStoreReceipt(receipt)),
      this.#bySegment.putting(concat(segment.bytes, root.bytes)),
    ];
    for await (const earlier of this.endsOf(root, segment, 0)) {
      const outlived = at === 0 || earlier.at < at;
      if (!outlived || earlier.indices === undefined || !isSubsetOf(earlier.indices, indices)) continue;
      operations.push(...this.#removingEnd({ at: earlier.at, root, segment }));
    }
    if (at !== 0) {
      const end = { at, root, segment };
      operations.push(this.#ends.putting(timeKey(end)), this.#ends.putting(segmentKey(end), indices));
    }
    await this.#metadata.database.write(operations);
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

  /** Damaged ones are reported and passed over. */
  async ofSegment(segment: CID, signal?: AbortSignal): Promise<StoreReceipt[]> {
    const receipts: StoreReceipt[] = [];
    for await (const key of this.#bySegment.keys({ prefix: cidKey(segment), signal })) {
      try {
        const receipt = await this.get(cidAt(key, CID_BYTES), segment);
        if (receipt !== undefined) receipts.push(receipt);
      } catch (error) {
        if (!isDamagedRecord(error)) throw error;
        this.#metadata.onDamaged(error);
      }
    }
    return receipts;
  }

  /** Ends of promises up to `until`, the first one first. */
  async *ends(until: number, signal?: AbortSignal): AsyncGenerator<LeaseEnd> {
    for await (const key of this.#ends.keys({ prefix: BY_TIME, signal })) {
      const at = u64At(key, 1);
      if (at > until) return;
      yield { at, root: cidAt(key, 1 + TIME_BYTES), segment: cidAt(key, 1 + TIME_BYTES + CID_BYTES) };
    }
  }

  /** Promises for a segment that end after `after`, with what they cover; of a damaged record nothing is known. */
  async *endsOf(
    root: CID,
    segment: CID,
    after: number,
  ): AsyncGenerator<{ at: number; indices: Uint8Array | undefined }> {
    const prefix = concat(BY_SEGMENT, cidKey(root), cidKey(segment));
    for await (const [key, indices] of this.#ends.records({ prefix })) {
      const at = u64At(key, prefix.length);
      if (at > after) yield { at, indices };
    }
  }

  /** When a promise has ended and nothing of it is left; `receipt`: with the receipt itself. Idempotent. */
  async removeEnd(end: LeaseEnd, { receipt }: { readonly receipt: boolean }): Promise<void> {
    const { root, segment } = end;
    const operations = this.#removingEnd(end);
    if (receipt) operations.push(...this.#removingReceipt(concat(cidKey(root), cidKey(segment))));
    await this.#metadata.database.write(operations);
  }

  /** After a release. Idempotent. */
  async removeRoot(root: CID): Promise<void> {
    await writeInBatches(this.#metadata.database, this.#removal(root));
  }

  async *#removal(root: CID): AsyncGenerator<Operation> {
    for await (const key of this.#ends.keys({ prefix: concat(BY_SEGMENT, cidKey(root)) })) {
      const segment = cidAt(key, 1 + CID_BYTES);
      yield* this.#removingEnd({ at: u64At(key, 1 + 2 * CID_BYTES), root, segment });
    }
    for await (const key of this.#receipts.keys({ prefix: cidKey(root) })) yield* this.#removingReceipt(key);
  }

  #removingEnd(end: LeaseEnd): Operation[] {
    return [this.#ends.deleting(timeKey(end)), this.#ends.deleting(segmentKey(end))];
  }

  /** `key`: root ‖ segment. */
  #removingReceipt(key: Uint8Array): Operation[] {
    const bySegment = concat(key.subarray(CID_BYTES), key.subarray(0, CID_BYTES));
    return [this.#bySegment.deleting(bySegment), this.#receipts.deleting(key)];
  }
}

const timeKey = ({ at, root, segment }: LeaseEnd): Uint8Array =>
  concat(BY_TIME, u64(at), cidKey(root), cidKey(segment));
const segmentKey = ({ at, root, segment }: LeaseEnd): Uint8Array =>
  concat(BY_SEGMENT, cidKey(root), cidKey(segment), u64(at));

import type { CID } from 'multiformats/cid';
import { bitmapIndices, bitmapOf } from '../../protocol/bitmap.ts';
import { concat, fromHex, toHex } from '../../protocol/bytes.ts';
import { PEER_KEY_BYTES } from '../../protocol/constants.ts';
import {
  decodeStoreReceipt,
  encodeStoreReceipt,
  isExpired,
  replaces,
  type StoreReceipt,
} from '../../protocol/store-receipt.ts';
import type { Clock } from '../clock.ts';
import { KeyedLock } from '../keyed-lock.ts';
import { peerIdFromKey } from '../network/peer-key.ts';
import { isDamagedRecord } from './errors.ts';
import { CID_BYTES, cidAt, cidKey } from './key-codec.ts';
import type { LostShardStore } from './lost-shard-store.ts';
import { type Metadata, Table, writeInBatches } from './metadata.ts';
import type { Operation } from './write-queue.ts';

const SEGMENT_END = 2 * CID_BYTES;

/**
 * Store receipts that others signed, for objects this node watches: one for each (root, segment, holder). The newest counts,
 * unless it takes back what its holder promised.
 */
export class ReceivedReceiptStore {
  readonly #metadata: Metadata;
  readonly #receipts: Table;
  readonly #byHolder: Table;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #lost: Pick<LostShardStore, 'of'>;
  readonly #locks = new KeyedLock();
  readonly #listeners = new Set<(receipt: StoreReceipt) => void>();

  constructor(metadata: Metadata, clock: Pick<Clock, 'now'>, lost: Pick<LostShardStore, 'of'>) {
    this.#metadata = metadata;
    this.#clock = clock;
    this.#lost = lost;
    this.#receipts = new Table(metadata, 'receivedReceipt');
    this.#byHolder = new Table(metadata, 'receivedByHolder');
  }

  /** Told of each receipt once it is kept. */
  onPut(listener: (receipt: StoreReceipt) => void): void {
    this.#listeners.add(listener);
  }

  /** Durable on return. @returns whether it is kept: not when it takes back what its holder promised. */
  put(receipt: StoreReceipt): Promise<boolean> {
    const { root, segment, holder } = receipt;
    const key = concat(cidKey(root), cidKey(segment), holder);
    // Receipts of one holder may come from several sides at once.
    return this.#locks.run(toHex(key), undefined, async () => {
      if (await this.takesBack(receipt)) return false;
      await this.#metadata.database.write([
        this.#receipts.putting(key, encodeStoreReceipt(receipt)),
        this.#byHolder.putting(concat(holder, root.bytes, segment.bytes)),
      ]);
      for (const listener of this.#listeners) listener(receipt);
      return true;
    });
  }

  /**
   * Whether the receipt is for less, or for a shorter time, than the one that is kept and still binds: what its holder
   * dropped meanwhile would never be asked about. What is known to be lost has counted.
   */
  async takesBack(receipt: StoreReceipt): Promise<boolean> {
    const { root, segment, holder } = receipt;
    const before = await this.get(root, segment, holder).catch((error: unknown) => {
      if (isDamagedRecord(error)) return undefined;
      throw error;
    });
    if (before === undefined || isExpired(before, this.#clock.now()) || replaces(receipt, before)) return false;
    const lost = await this.#lost.of(holder, segment);
    const owed = bitmapIndices(before.indices).filter((index) => !lost.has(index));
    return owed.length > 0 && !replaces(receipt, { ...before, indices: bitmapOf(owed) });
  }

  /** Receipts of an object (of one segment, when given), by segment CID and holder key. */
  async *scan(root: CID, segment?: CID, signal?: AbortSignal): AsyncGenerator<StoreReceipt> {
    const prefix = segment === undefined ? cidKey(root) : concat(cidKey(root), cidKey(segment));
    for await (const [, bytes] of this.#receipts.entries({ prefix, signal })) yield decodeStoreReceipt(bytes);
  }

  /** All receipts of one holder (32-byte key), of one object when given, by root and segment CID. */
  async *ofHolder(
    holder: Uint8Array,
    options: { root?: CID; signal?: AbortSignal } = {},
  ): AsyncGenerator<StoreReceipt> {
    const { root, signal } = options;
    const prefix = root === undefined ? holder : concat(holder, cidKey(root));
    for await (const key of this.#byHolder.keys({ prefix, signal })) {
      const segment = key.subarray(PEER_KEY_BYTES);
      const bytes = await this.#receipts.get(concat(segment, holder));
      if (bytes !== undefined) yield decodeStoreReceipt(bytes);
    }
  }

  /** The receipt of one holder for one segment of an object. @throws StoreError `damaged-record`. */
  async get(root: CID, segment: CID, holder: Uint8Array): Promise<StoreReceipt | undefined> {
    const bytes = await this.#receipts.get(concat(cidKey(root), cidKey(segment), holder));
    return bytes === undefined ? undefined : decodeStoreReceipt(bytes);
  }

  /** Which segments a holder signed for, by root and segment CID. */
  async *segmentsOf(holder: Uint8Array, signal?: AbortSignal): AsyncGenerator<{ root: CID; segment: CID }> {
    for await (const key of this.#byHolder.keys({ prefix: holder, signal })) {
      yield { root: cidAt(key, PEER_KEY_BYTES), segment: cidAt(key, PEER_KEY_BYTES + CID_BYTES) };
    }
  }

  /** Keys of all that signed for anything, ascending: one look per holder, however many receipts there are. */
  async *allHolders(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    for (let after: Uint8Array | undefined; ; ) {
      const { value } = await this.#byHolder.keys({ after, signal }).next();
      if (value === undefined) return;
      const holder = value.slice(0, PEER_KEY_BYTES);
      yield holder;
      after = concat(holder, new Uint8Array(2 * CID_BYTES).fill(0xff));
    }
  }

  /** Peer ids of all that signed for an object; empty for one that is not ours. */
  async holders(root: CID, signal?: AbortSignal): Promise<string[]> {
    const keys = new Set<string>();
    for await (const key of this.#receipts.keys({ prefix: cidKey(root), signal })) {
      keys.add(toHex(key.subarray(SEGMENT_END)));
    }
    return [...keys].map((key) => peerIdFromKey(fromHex(key)));
  }

  /** When another holder took the place of this one. Idempotent. */
  async remove(root: CID, segment: CID, holder: Uint8Array): Promise<void> {
    await this.#metadata.database.write(this.#deleting(concat(cidKey(root), cidKey(segment), holder)));
  }

  /** When the object was removed. Idempotent. */
  async removeRoot(root: CID): Promise<void> {
    await writeInBatches(this.#metadata.database, this.#removal(root));
  }

  async *#removal(root: CID): AsyncGenerator<Operation> {
    for await (const key of this.#receipts.keys({ prefix: cidKey(root) })) yield* this.#deleting(key);
  }

  #deleting(key: Uint8Array): Operation[] {
    const byHolder = concat(key.subarray(SEGMENT_END), key.subarray(0, SEGMENT_END));
    return [this.#byHolder.deleting(byHolder), this.#receipts.deleting(key)];
  }
}

import { toHex } from '../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import type { Database } from './database.ts';
import { StoreError } from './errors.ts';
import { peerAt, prefixRange } from './key-codec.ts';
import { namespacePrefix, SHARD_NAMESPACES } from './shard-keys.ts';

/** What a traffic record takes on disk, with its key, checksum and share of the log. */
export const UPLOAD_RECORD_BYTES = 200;
/** Even with a small quota: a directory of small files may be a thousand uploads an hour, and their records 200 KB. */
const MIN_UPLOADS = 1024;

/**
 * How many uploads each owner is remembered for. A record lives an hour whether its upload stores anything or not, so an
 * owner has at most as many as it may have staged shards: then the records are 1/655 of what its quota allows anyway.
 */
export class UploadLedger {
  readonly #limit: number;
  #counts = new Map<string, number>();
  readonly #draft = new Map<string, number>();
  readonly #open = new Map<string, number>();

  constructor(stagedBytesPerPeer: number) {
    this.#limit = Math.max(MIN_UPLOADS, Math.floor(stagedBytesPerPeer / SHARD_BYTES));
  }

  /** Counts the records. */
  async load(database: Database): Promise<void> {
    const counts = new Map<string, number>();
    this.#draft.clear();
    for await (const [key] of database.entries(prefixRange(namespacePrefix(SHARD_NAMESPACES.upload)))) {
      const { peer } = peerAt(key, 1);
      counts.set(peer, (counts.get(peer) ?? 0) + 1);
    }
    this.#counts = counts;
  }

  /** One record more, in the batch that is being built. @throws StoreError `quota-exceeded`. */
  add(owner: string): void {
    const count = this.#counts.get(owner) ?? 0;
    if (count >= this.#limit) {
      const [usedBytes, limitBytes] = [count * UPLOAD_RECORD_BYTES, this.#limit * UPLOAD_RECORD_BYTES];
      const neededBytes = UPLOAD_RECORD_BYTES;
      throw new StoreError({
        code: 'quota-exceeded',
        owner,
        quota: 'upload-record',
        neededBytes,
        usedBytes,
        limitBytes,
      });
    }
    this.#change(owner, 1);
  }

  remove(key: Uint8Array): void {
    this.#change(peerAt(key, 1).peer, -1);
  }

  settle(ok: boolean): void {
    for (const [owner, change] of ok ? this.#draft : []) {
      const count = (this.#counts.get(owner) ?? 0) + change;
      if (count > 0) this.#counts.set(owner, count);
      else this.#counts.delete(owner);
    }
    this.#draft.clear();
  }

  /** A stage call of this upload begins: its record stays until `close`, so that the call never writes it anew. */
  open(key: Uint8Array): void {
    const name = toHex(key);
    this.#open.set(name, (this.#open.get(name) ?? 0) + 1);
  }

  close(key: Uint8Array): void {
    const name = toHex(key);
    const calls = (this.#open.get(name) ?? 0) - 1;
    if (calls > 0) this.#open.set(name, calls);
    else this.#open.delete(name);
  }

  isOpen(key: Uint8Array): boolean {
    return this.#open.has(toHex(key));
  }

  #change(owner: string, by: number): void {
    this.#draft.set(owner, (this.#draft.get(owner) ?? 0) + by);
  }
}

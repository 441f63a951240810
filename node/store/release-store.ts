import type { CID } from 'multiformats/cid';
import { concat } from '../../protocol/bytes.ts';
import { decodeRelease, encodeRelease, type Release } from '../../protocol/release.ts';
import { cidKey, peerAt, peerKey } from './key-codec.ts';
import { type Metadata, Table } from './metadata.ts';

/** Releases: received ones answer later audits for good; own ones wait for holders that are away. */
export class ReleaseStore {
  readonly #metadata: Metadata;
  readonly #received: Table;
  readonly #queued: Table;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    this.#received = new Table(metadata, 'receivedRelease');
    this.#queued = new Table(metadata, 'queuedRelease');
  }

  /** Keeps a release that an owner sent. Durable on return. */
  async put(release: Release): Promise<void> {
    await this.#metadata.database.write([this.#received.putting(cidKey(release.root), encodeRelease(release))]);
  }

  /** @throws StoreError `damaged-record`. */
  async get(root: CID): Promise<Release | undefined> {
    const bytes = await this.#received.get(cidKey(root));
    return bytes === undefined ? undefined : decodeRelease(bytes);
  }

  isReleased(root: CID): Promise<boolean> {
    return this.#received.has(cidKey(root));
  }

  /** All releases received: at start, what they name and is still here goes. */
  async *received(signal?: AbortSignal): AsyncGenerator<Release> {
    for await (const [, bytes] of this.#received.entries({ signal })) yield decodeRelease(bytes);
  }

  /** Queues an own release for holders (peer ids), in one batch. */
  async queue(release: Release, holders: readonly string[]): Promise<void> {
    const bytes = encodeRelease(release);
    const operations = holders.map((peer) => this.#queued.putting(queueKey(peer, release.root), bytes));
    if (operations.length > 0) await this.#metadata.database.write(operations);
  }

  /** What waits for one holder, or for all. */
  async *queued(holder?: string, signal?: AbortSignal): AsyncGenerator<{ holder: string; release: Release }> {
    const prefix = holder === undefined ? new Uint8Array(0) : peerKey(holder);
    for await (const [key, bytes] of this.#queued.entries({ prefix, signal })) {
      yield { holder: peerAt(key, 0).peer, release: decodeRelease(bytes) };
    }
  }

  /** The holder confirmed. Idempotent. */
  async confirmed(holder: string, root: CID): Promise<void> {
    await this.#metadata.database.write([this.#queued.deleting(queueKey(holder, root))]);
  }
}

const queueKey = (peer: string, root: CID): Uint8Array => concat(peerKey(peer), cidKey(root));

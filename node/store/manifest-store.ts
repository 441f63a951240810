import { hash } from 'node:crypto';
import type { CID } from 'multiformats/cid';
import { concat, equalBytes, u64 } from '../../protocol/bytes.ts';
import type { Clock } from '../clock.ts';
import { StoreError } from './errors.ts';
import { CID_BYTES, cidAt, cidKey, u64At } from './key-codec.ts';
import type { ManifestQuota, RootCharge } from './manifest-quota.ts';
import { type Metadata, Table } from './metadata.ts';
import type { Operation } from './write-queue.ts';

/** Manifest nodes kept here, own and held ones: opaque bytes under their CID, checked against it at every read. */
export class ManifestStore {
  readonly #metadata: Metadata;
  readonly #clock: Clock;
  readonly #quota: ManifestQuota;
  readonly #nodes: Table;
  readonly #roots: Table;
  readonly #rootSegments: Table;
  readonly #segmentRoots: Table;

  constructor(metadata: Metadata, clock: Clock, quota: ManifestQuota) {
    this.#metadata = metadata;
    this.#quota = quota;
    this.#clock = clock;
    this.#nodes = new Table(metadata, 'node');
    this.#roots = new Table(metadata, 'root');
    this.#rootSegments = new Table(metadata, 'rootSegment');
    this.#segmentRoots = new Table(metadata, 'segmentRoot');
  }

  /** @throws StoreError `damaged-record`. */
  async get(cid: CID): Promise<Uint8Array | undefined> {
    const bytes = await this.#nodes.get(cidKey(cid));
    if (bytes !== undefined && !isNode(cid, bytes)) throw this.#nodes.damaged(cid.bytes);
    return bytes;
  }

  /**
   * Keeps a root; with `chargedTo` it and its segments count against the quota of that peer. Idempotent.
   * @throws StoreError `hash-mismatch` when the bytes are not the node of the CID, `quota-exceeded`.
   */
  async putRoot(root: CID, bytes: Uint8Array, chargedTo?: string): Promise<void> {
    const operations = [this.#putting(root, bytes)];
    if (await this.hasRoot(root)) return this.#metadata.database.write(operations);
    operations.push(this.#roots.putting(root.bytes, u64(this.#clock.now())));
    if (chargedTo === undefined) return this.#metadata.database.write(operations);
    await this.#charging(root, bytes.length, operations, async () => {
      return (await this.hasRoot(root)) ? undefined : { owner: chargedTo, bytes: 0 };
    });
  }

  /** Keeps a segment of a root, charged to whom the root is. Idempotent. @throws StoreError `hash-mismatch`, `quota-exceeded`. */
  async putSegment(root: CID, segment: CID, bytes: Uint8Array): Promise<void> {
    const ofRoot = concat(cidKey(root), cidKey(segment));
    const operations = [
      this.#putting(segment, bytes),
      this.#rootSegments.putting(ofRoot),
      this.#segmentRoots.putting(concat(cidKey(segment), cidKey(root))),
    ];
    if ((await this.#quota.of(root)) === undefined) return this.#metadata.database.write(operations);
    await this.#charging(root, bytes.length, operations, async () => {
      return (await this.#rootSegments.has(ofRoot)) ? undefined : this.#quota.of(root);
    });
  }

  hasRoot(root: CID): Promise<boolean> {
    return this.#roots.has(cidKey(root));
  }

  /** Since when a root is kept, milliseconds since 1970. @throws StoreError `damaged-record`. */
  async keptSince(root: CID): Promise<number | undefined> {
    const value = await this.#roots.get(cidKey(root));
    return value === undefined ? undefined : u64At(value, 0);
  }

  /** All roots kept, by CID bytes. */
  async *roots(options: { after?: CID; signal?: AbortSignal } = {}): AsyncGenerator<CID> {
    const { after, signal } = options;
    for await (const key of this.#roots.keys({ after: after?.bytes, signal })) yield cidAt(key, 0);
  }

  /** The segments kept for a root: a holder has only those in which it stores shards. */
  async *segmentsOf(root: CID, signal?: AbortSignal): AsyncGenerator<CID> {
    for await (const key of this.#rootSegments.keys({ prefix: cidKey(root), signal })) yield cidAt(key, CID_BYTES);
  }

  async *rootsOf(segment: CID, signal?: AbortSignal): AsyncGenerator<CID> {
    for await (const key of this.#segmentRoots.keys({ prefix: cidKey(segment), signal })) yield cidAt(key, CID_BYTES);
  }

  /** Forgets a segment of a root, unless another root needs it. Idempotent. */
  async removeSegment(root: CID, segment: CID): Promise<void> {
    const ofRoot = concat(cidKey(root), cidKey(segment));
    const freed = await this.#metadata.database.transaction(async () => {
      if (!(await this.#rootSegments.has(ofRoot))) return { operations: [], result: undefined };
      const node = await this.get(segment).catch(() => undefined);
      const charge = await this.#quota.of(root);
      const operations = await this.#removingSegment(root, segment);
      if (charge === undefined || node === undefined) return { operations, result: undefined };
      const bytes = Math.min(node.length, charge.bytes);
      operations.push(this.#quota.putting(root, { ...charge, bytes: charge.bytes - bytes }));
      return { operations, result: { owner: charge.owner, bytes } };
    });
    if (freed !== undefined) this.#quota.give(freed.owner, freed.bytes);
  }

  /** Forgets a root and the segments that no other root needs. Idempotent; after a crash, call it again. */
  async removeRoot(root: CID): Promise<void> {
    for await (const segment of this.segmentsOf(root)) {
      await this.#metadata.database.transaction(async () => {
        return { operations: await this.#removingSegment(root, segment), result: undefined };
      });
    }
    const charge = await this.#metadata.database.transaction(async () => {
      const result = await this.#quota.of(root);
      const operations = [this.#roots.deleting(cidKey(root)), this.#nodes.deleting(root.bytes)];
      return { operations: [...operations, this.#quota.deleting(root)], result };
    });
    if (charge !== undefined) this.#quota.give(charge.owner, charge.bytes);
  }

  /** Forgets nodes that are neither a root nor a segment of one; returns how many. Whatever needs a node keeps its root. */
  async collectUnused(signal?: AbortSignal): Promise<number> {
    let removed = 0;
    for await (const key of this.#nodes.keys({ signal })) {
      const cid = cidAt(key, 0);
      if (await this.#isNeeded(cid)) continue;
      removed += await this.#metadata.database.transaction(async () => {
        // Looked at again with no write in between: it may have been kept since.
        if (await this.#isNeeded(cid)) return { operations: [], result: 0 };
        return { operations: [this.#nodes.deleting(key)], result: 1 };
      });
    }
    return removed;
  }

  async #removingSegment(root: CID, segment: CID): Promise<Operation[]> {
    const operations = [
      this.#rootSegments.deleting(concat(root.bytes, segment.bytes)),
      this.#segmentRoots.deleting(concat(segment.bytes, root.bytes)),
    ];
    if (!(await this.#isShared(segment, root))) operations.push(this.#nodes.deleting(segment.bytes));
    return operations;
  }

  async #isNeeded(cid: CID): Promise<boolean> {
    if (await this.hasRoot(cid)) return true;
    for await (const _ of this.rootsOf(cid)) return true;
    return false;
  }

  async #isShared(segment: CID, leaving: CID): Promise<boolean> {
    for await (const root of this.rootsOf(segment)) if (!root.equals(leaving)) return true;
    return false;
  }

  /** Writes the operations; unless they were written before (`before` is undefined), the root is charged for the bytes. */
  async #charging(
    root: CID,
    bytes: number,
    operations: readonly Operation[],
    before: () => Promise<RootCharge | undefined>,
  ): Promise<void> {
    let taken: RootCharge | undefined;
    const giveBack = (): void => {
      if (taken !== undefined) this.#quota.give(taken.owner, taken.bytes);
      taken = undefined;
    };
    try {
      await this.#metadata.database.transaction(async () => {
        // Asked a second time when the disk was full.
        giveBack();
        const charge = await before();
        if (charge === undefined) return { operations, result: undefined };
        this.#quota.take(charge.owner, bytes);
        taken = { owner: charge.owner, bytes };
        const charged = this.#quota.putting(root, { owner: charge.owner, bytes: charge.bytes + bytes });
        return { operations: [...operations, charged], result: undefined };
      });
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  #putting(cid: CID, bytes: Uint8Array): Operation {
    const key = cidKey(cid);
    if (!isNode(cid, bytes)) throw new StoreError({ code: 'hash-mismatch', id: cid.multihash.digest });
    return this.#nodes.putting(key, bytes);
  }
}

const isNode = (cid: CID, bytes: Uint8Array): boolean =>
  equalBytes(hash('sha256', bytes, 'buffer'), cid.multihash.digest);

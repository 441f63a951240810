import { decode, encode } from '@ipld/dag-cbor';
import { concat, u64 } from '../../protocol/bytes.ts';
import { HASH_BYTES } from '../../protocol/constants.ts';
import { StoreError } from './errors.ts';
import { peerKey, u64At } from './key-codec.ts';
import { type Metadata, Table, writeInBatches } from './metadata.ts';
import type { Operation } from './write-queue.ts';

export interface AuditRecord {
  /** Challenge id, 32 bytes. */
  readonly id: Uint8Array;
  /** When it ended, milliseconds since 1970. */
  readonly at: number;
  /** The other side, a peer id. */
  readonly peer: string;
  readonly role: 'auditor' | 'prover';
  readonly outcome: string;
  /** Shards covered. */
  readonly shards: number;
  readonly milliseconds: number;
  /** What the outcome alone does not say. */
  readonly detail?: string;
  /** The audit receipt, when there was an answer. */
  readonly receipt?: Uint8Array;
}

interface AuditsBefore {
  peer?: string;
  before?: number;
  beforeId?: Uint8Array;
  signal?: AbortSignal;
}

const TIME_BYTES = 8;

/** Past audits, both sides, newest first; bounded by `prune`. */
export class AuditReceiptStore {
  readonly #metadata: Metadata;
  readonly #records: Table;
  readonly #byTime: Table;
  readonly #byPeer: Table;
  readonly #evidence: Table;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    this.#records = new Table(metadata, 'audit');
    this.#byTime = new Table(metadata, 'auditByTime');
    this.#byPeer = new Table(metadata, 'auditByPeer');
    this.#evidence = new Table(metadata, 'evidenceByPeer');
  }

  /** Once per challenge. Durable on return. `evidence`: its receipt proves something against the peer. */
  async put(audit: AuditRecord, options: { evidence: boolean } = { evidence: false }): Promise<void> {
    const { id, at, peer, role, outcome, shards, milliseconds, detail, receipt } = audit;
    if (id.length !== HASH_BYTES) throw new RangeError(`a challenge id has ${HASH_BYTES} bytes`);
    const value = {
      id,
      at,
      peer,
      role,
      outcome,
      shards,
      milliseconds,
      ...(detail !== undefined && { detail }),
      ...(receipt !== undefined && { receipt }),
    };
    await this.#metadata.database.write([
      this.#records.putting(id, encode(value)),
      this.#byTime.putting(concat(u64(at), id)),
      this.#byPeer.putting(concat(peerKey(peer), u64(at), id)),
      ...(options.evidence ? [this.#evidence.putting(concat(peerKey(peer), u64(at), id))] : []),
    ]);
  }

  /** @throws StoreError `damaged-record`. */
  async get(id: Uint8Array): Promise<AuditRecord | undefined> {
    const bytes = await this.#records.get(id);
    return bytes === undefined ? undefined : decode<AuditRecord>(bytes);
  }

  /** Newest first, before `before` (ms since 1970; exclusive, but for ids below `beforeId`), of one peer when given. */
  async *list(options: AuditsBefore = {}): AsyncGenerator<AuditRecord> {
    const { peer, before, beforeId = new Uint8Array(0), signal } = options;
    const prefix = peer === undefined ? new Uint8Array(0) : peerKey(peer);
    const after = before === undefined ? undefined : concat(prefix, u64(before), beforeId);
    const index = peer === undefined ? this.#byTime : this.#byPeer;
    for await (const key of index.keys({ prefix, after, reverse: true, signal })) {
      const record = await this.#readable(key.subarray(prefix.length + TIME_BYTES));
      if (record !== undefined) yield record;
    }
  }

  /** What proves something against a peer, by peer. */
  async *evidence(signal?: AbortSignal): AsyncGenerator<AuditRecord> {
    for await (const key of this.#evidence.keys({ signal })) {
      const record = await this.#readable(key.subarray(-HASH_BYTES));
      if (record !== undefined) yield record;
    }
  }

  /** Keeps the newest `keep` records that are not older than `since` (ms since 1970); returns how many went. */
  async prune(keep: number, since = 0, signal?: AbortSignal): Promise<number> {
    let seen = 0;
    let removed = 0;
    const removal = async function* (store: AuditReceiptStore): AsyncGenerator<Operation> {
      for await (const key of store.#byTime.keys({ reverse: true, signal })) {
        if (++seen <= keep && u64At(key, 0) >= since) continue;
        removed++;
        yield* await store.#deleting(key);
      }
    };
    await writeInBatches(this.#metadata.database, removal(this));
    return removed;
  }

  /** A damaged record is told of and passed over: it must not hide the others. */
  async #readable(id: Uint8Array): Promise<AuditRecord | undefined> {
    try {
      return await this.get(id);
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'damaged-record')) throw error;
      this.#metadata.onDamaged(error);
      return undefined;
    }
  }

  async #deleting(timeKey: Uint8Array): Promise<Operation[]> {
    const id = timeKey.subarray(TIME_BYTES);
    const operations = [this.#records.deleting(id), this.#byTime.deleting(timeKey)];
    const record = await this.get(id).catch(() => undefined);
    if (record !== undefined) {
      const key = concat(peerKey(record.peer), u64(u64At(timeKey, 0)), id);
      operations.push(this.#byPeer.deleting(key), this.#evidence.deleting(key));
    }
    return operations;
  }
}

import { decode, encode } from '@ipld/dag-cbor';
import { concat, u32, u64 } from '../../protocol/bytes.ts';
import { HASH_BYTES } from '../../protocol/constants.ts';
import { isDamagedRecord } from './errors.ts';
import { peerKey, u32At, u64At } from './key-codec.ts';
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
  /** Challenge id of the audit whose failed proof this one looked into. */
  readonly of?: Uint8Array;
  readonly outcome: string;
  /** Whether the outcome counted. Absent in what was kept before this was noted. */
  readonly final?: boolean;
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

/** What is kept at most. */
export interface Kept {
  readonly records: number;
  readonly bytes: number;
  /** What ended before goes too, ms since 1970, but only what ended within `span` ms of the oldest record. */
  readonly since?: number;
  readonly span?: number;
}

/** Kept with each entry of the index by time, so that records need not be read to be counted. */
interface Size {
  readonly bytes: number;
  readonly evidence: boolean;
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

  /** Once per challenge. Durable on return. `evidence`: its receipt proves something against the peer. @returns its bytes. */
  async put(audit: AuditRecord, options: { evidence: boolean } = { evidence: false }): Promise<number> {
    const { id, at, peer, role, of, outcome, final, shards, milliseconds, detail, receipt } = audit;
    if (id.length !== HASH_BYTES) throw new RangeError(`a challenge id has ${HASH_BYTES} bytes`);
    const value = {
      id,
      at,
      peer,
      role,
      ...(of !== undefined && { of }),
      outcome,
      ...(final !== undefined && { final }),
      shards,
      milliseconds,
      ...(detail !== undefined && { detail }),
      ...(receipt !== undefined && { receipt }),
    };
    const bytes = encode(value);
    await this.#metadata.database.write([
      this.#records.putting(id, bytes),
      this.#byTime.putting(concat(u64(at), id), sizeValue({ bytes: bytes.length, evidence: options.evidence })),
      this.#byPeer.putting(concat(peerKey(peer), u64(at), id)),
      ...(options.evidence ? [this.#evidence.putting(concat(peerKey(peer), u64(at), id))] : []),
    ]);
    return bytes.length;
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

  /**
   * Keeps the newest records within the bounds, and of what proves something a quarter as much besides: a flood of other
   * records must not wash it out. @returns how many went.
   */
  async prune(
    { records, bytes, since = 0, span = Number.POSITIVE_INFINITY }: Kept,
    signal?: AbortSignal,
  ): Promise<number> {
    const oldest = await this.#oldest(signal);
    const before = oldest === undefined ? 0 : Math.min(since, oldest + span);
    const all = { records, bytes };
    const besides = { records: Math.ceil(records / 4), bytes: bytes / 4 };
    let removed = 0;
    const changes = async function* (store: AuditReceiptStore): AsyncGenerator<Operation> {
      for await (const [key, value] of store.#byTime.records({ reverse: true, signal })) {
        const size = sizeOf(value);
        const known = size ?? (await store.#measure(key));
        const share = known.evidence && besides.records > 0 && besides.bytes >= known.bytes ? besides : all;
        share.records -= 1;
        share.bytes -= known.bytes;
        if (share.records >= 0 && share.bytes >= 0 && u64At(key, 0) >= before) {
          if (size === undefined) yield store.#byTime.putting(key, sizeValue(known));
          continue;
        }
        removed++;
        yield* await store.#deleting(key);
      }
    };
    await writeInBatches(this.#metadata.database, changes(this));
    return removed;
  }

  async #oldest(signal?: AbortSignal): Promise<number | undefined> {
    for await (const key of this.#byTime.keys({ signal })) return u64At(key, 0);
    return undefined;
  }

  /** Of a record whose index entry does not say it: an earlier version wrote it, or it is damaged. */
  async #measure(timeKey: Uint8Array): Promise<Size> {
    const id = timeKey.subarray(TIME_BYTES);
    const record = await this.get(id).catch(() => undefined);
    if (record === undefined) return { bytes: 0, evidence: false };
    const evidence = await this.#evidence.has(concat(peerKey(record.peer), u64(record.at), id));
    return { bytes: encode(record).length, evidence };
  }

  /** A damaged record is told of and passed over: it must not hide the others. */
  async #readable(id: Uint8Array): Promise<AuditRecord | undefined> {
    try {
      return await this.get(id);
    } catch (error) {
      if (!isDamagedRecord(error)) throw error;
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

function sizeValue({ bytes, evidence }: Size): Uint8Array {
  return concat(u32(bytes), Uint8Array.of(evidence ? 1 : 0));
}

function sizeOf(value: Uint8Array | undefined): Size | undefined {
  if (value?.length !== 5) return undefined;
  return { bytes: u32At(value, 0), evidence: value[4] === 1 };
}

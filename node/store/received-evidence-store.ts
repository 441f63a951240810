import { decode, encode } from '@ipld/dag-cbor';
import type { CID } from 'multiformats/cid';
import { concat, u64 } from '../../protocol/bytes.ts';
import { cidAt, cidKey, peerAt, peerKey, u64At } from './key-codec.ts';
import { type Metadata, Table } from './metadata.ts';
import type { Operation } from './write-queue.ts';

/** Evidence of an integrity failure in one segment. Peers are peer ids, times milliseconds since 1970. */
export interface ReceivedEvidence {
  readonly accused: string;
  readonly segment: CID;
  /** Who signed the challenge. */
  readonly auditor: string;
  readonly challengedAt: number;
  /** When it was taken in. */
  readonly at: number;
  /** Found by this node itself. */
  readonly own: boolean;
  /** Challenge id, hex. */
  readonly audit: string;
  /** Encoded audit receipt. */
  readonly bundle: Uint8Array;
}

type Row = Omit<ReceivedEvidence, 'accused' | 'segment'>;

/** 2 KB as a rule, 29 KiB at most: 8 MB, and 116 MiB for an attacker who sacrifices thousands of peers. */
const DEFAULT_KEEP = 4096;
const TIME_BYTES = 8;

/** Verified evidence, one per accused and segment; of too much the one whose challenge is oldest goes. */
export class ReceivedEvidenceStore {
  readonly #metadata: Metadata;
  readonly #rows: Table;
  readonly #byTime: Table;
  readonly #keep: number;

  constructor(metadata: Metadata, keep = DEFAULT_KEEP) {
    this.#metadata = metadata;
    this.#rows = new Table(metadata, 'receivedEvidence');
    this.#byTime = new Table(metadata, 'evidenceByTime');
    this.#keep = keep;
  }

  has(accused: string, segment: CID): Promise<boolean> {
    return this.#rows.has(rowKey(accused, segment));
  }

  /** What writes this evidence, and makes room for it: to be written in one batch with what it leads to. */
  async putting(evidence: ReceivedEvidence): Promise<Operation[]> {
    const { accused, segment, ...row } = evidence;
    const key = rowKey(accused, segment);
    const operations = [
      this.#rows.putting(key, encode(row satisfies Row)),
      this.#byTime.putting(concat(u64(row.challengedAt), key)),
    ];
    let newer = 1;
    for await (const old of this.#byTime.keys({ reverse: true })) {
      if (++newer > this.#keep) operations.push(...this.#deleting(old));
    }
    return operations;
  }

  /**
   * Challenges up to this time are too old: evidence of them may have been here and gone, and would count twice. Nothing
   * newer than what was kept ever goes, so the oldest that is kept is the limit when the store is full.
   */
  async horizon(): Promise<number> {
    let count = 0;
    let oldest = 0;
    for await (const key of this.#byTime.keys({ reverse: true })) {
      oldest = u64At(key, 0);
      if (++count === this.#keep) return oldest;
    }
    return 0;
  }

  /**
   * What forgets all that is known against a peer, so that it may be told again. Its times stay, until they are too old: the
   * horizon must not fall back and let in what went for want of room.
   */
  async removing(accused: string): Promise<Operation[]> {
    const operations: Operation[] = [];
    for await (const key of this.#rows.keys({ prefix: peerKey(accused) })) operations.push(this.#rows.deleting(key));
    return operations;
  }

  /** What is known against a peer, in a stable order. */
  async *about(accused: string, signal?: AbortSignal): AsyncGenerator<ReceivedEvidence> {
    const prefix = peerKey(accused);
    for await (const [key, bytes] of this.#rows.entries({ prefix, signal })) {
      yield { accused, segment: cidAt(key, prefix.length), ...decode<Row>(bytes) };
    }
  }

  /**
   * Evidence of challenges older than `ageMs` goes: older as seen from `now` and from the newest challenge, so that a
   * wall clock that is ahead for once does not take everything.
   */
  async expire(now: number, ageMs: number, signal?: AbortSignal): Promise<void> {
    const newest = await this.#byTime.keys({ reverse: true, signal }).next();
    if (newest.value === undefined) return;
    const time = Math.min(now, u64At(newest.value, 0)) - ageMs;
    const operations: Operation[] = [];
    for await (const key of this.#byTime.keys({ signal })) {
      if (u64At(key, 0) >= time) break;
      operations.push(...this.#deleting(key));
    }
    if (operations.length > 0) await this.#metadata.database.write(operations);
  }

  #deleting(timeKey: Uint8Array): Operation[] {
    const { peer, end } = peerAt(timeKey, TIME_BYTES);
    return [this.#byTime.deleting(timeKey), this.#rows.deleting(rowKey(peer, cidAt(timeKey, end)))];
  }
}

function rowKey(accused: string, segment: CID): Uint8Array {
  return concat(peerKey(accused), cidKey(segment));
}

import { createHmac } from 'node:crypto';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { CID } from 'multiformats/cid';
import { concat, equalBytes, u64 } from '../../protocol/bytes.ts';
import { StructureError } from '../../protocol/cbor.ts';
import type { CodeId, CodeParameters } from '../../protocol/code.ts';
import {
  COMMITMENT_BYTES,
  FILE_KEY_BYTES,
  HASH_BYTES,
  MAX_CODE_WIDTH,
  MAX_NODE_BYTES,
} from '../../protocol/constants.ts';
import { CodedError } from '../../protocol/errors.ts';
import {
  bitmap,
  byteString,
  type Field,
  fixedBytes,
  flag,
  link,
  list,
  oneOf,
  optional,
  packed,
  record,
  text,
  timestamp,
  uint,
} from '../../protocol/fields.ts';
import { MAX_SEGMENT_SHARDS } from '../../protocol/segment.ts';
import { type Codec, structure } from '../../protocol/structure.ts';
import type { JournalStore } from './ports.ts';

/** What an upload must remember to go on after a crash. */
export interface JournalHead {
  /** Absent: never resumed. */
  readonly sourceId?: string;
  readonly key: Uint8Array;
  readonly created: number;
  readonly kind: 'file' | 'tree';
  readonly indexLength?: number;
  readonly code: CodeParameters;
}

/** Frames of a stripe whose ciphertext may have left this node. */
interface SealedRecord {
  /** Fingerprints, 32 bytes each. */
  readonly frames: Uint8Array;
  readonly last: boolean;
}

/** A stripe that its holders had stored durably: as the segment lists it. */
export interface StagedRecord {
  readonly c: Uint8Array;
  readonly h: Uint8Array;
}

/** A holder and the shards of one segment that it stored. */
export interface Placed {
  readonly peer: string;
  readonly indices: Uint8Array;
}

/** What holders were asked to sign for. */
export interface FinalizingRecord {
  readonly root: CID;
  /** Who may have signed. */
  readonly holders: readonly string[];
}

/** A complete segment and where its shards are. */
export interface SegmentRecord {
  readonly node: Uint8Array;
  readonly placed: readonly Placed[];
}

const MAX_RECORD_BYTES = 2 * MAX_NODE_BYTES;
const MAX_SOURCE_ID_BYTES = 256;
const MAX_PEER_ID_BYTES = 64;
/** As many names as fit a record. */
export const MAX_RELEASED = 16_384;
/** A segment's shards may have moved to replacements; more holders than this means that the network is falling apart. */
const MAX_PLACED = 16 * MAX_CODE_WIDTH;

const peerField = text(MAX_PEER_ID_BYTES);
const head: Codec<JournalHead> = structure('journal of an upload', MAX_RECORD_BYTES, {
  sourceId: optional(text(MAX_SOURCE_ID_BYTES)),
  key: fixedBytes(FILE_KEY_BYTES),
  created: timestamp,
  kind: oneOf('file', 'tree'),
  indexLength: optional(uint(Number.MAX_SAFE_INTEGER, 1)),
  code: record<CodeParameters>({
    id: uint(2) as Field<CodeId>,
    k: uint(MAX_CODE_WIDTH, 1),
    m: uint(MAX_CODE_WIDTH),
  }),
});
const sealed: Codec<SealedRecord> = structure('journal of a stripe', MAX_RECORD_BYTES, {
  frames: packed(HASH_BYTES, MAX_CODE_WIDTH, 1),
  last: flag,
});
const staged: Codec<StagedRecord> = structure('journal of a staged stripe', MAX_RECORD_BYTES, {
  c: packed(COMMITMENT_BYTES, MAX_CODE_WIDTH, 1),
  h: packed(HASH_BYTES, MAX_CODE_WIDTH, 1),
});
const holders = structure<{ readonly slots: readonly string[] }>('journal of holders', MAX_RECORD_BYTES, {
  slots: list(peerField, MAX_CODE_WIDTH),
});
const segment: Codec<SegmentRecord> = structure('journal of a segment', MAX_RECORD_BYTES, {
  node: byteString(MAX_NODE_BYTES, 1),
  placed: list(record<Placed>({ peer: peerField, indices: bitmap(MAX_SEGMENT_SHARDS) }), MAX_PLACED),
});
const finalizing: Codec<FinalizingRecord> = structure('journal of a manifest', MAX_RECORD_BYTES, {
  root: link('node'),
  holders: list(peerField, MAX_RELEASED),
});

const FINGERPRINT_INFO = utf8ToBytes('HOLDFAST1/journal');

/**
 * The journal of one upload. Fingerprints are keyed (HMAC-SHA-256 under a key derived from K), so that the journal says
 * nothing about the content once K is gone; they bind position and the `last` flag, which are part of the nonce.
 */
export class UploadJournal {
  readonly #store: JournalStore;
  readonly #fingerprintKey: Uint8Array;
  /** 16 bytes; what holders know the upload by. */
  readonly upload: Uint8Array;
  readonly head: JournalHead;

  constructor(store: JournalStore, upload: Uint8Array, content: JournalHead) {
    this.#store = store;
    this.upload = upload;
    this.head = content;
    this.#fingerprintKey = hkdf(sha256, content.key, undefined, FINGERPRINT_INFO, HASH_BYTES);
  }

  /** Durable before anything of the upload leaves. */
  static async begin(store: JournalStore, upload: Uint8Array, content: JournalHead): Promise<UploadJournal> {
    await store.put(upload, 'head', head.encode(content));
    return new UploadJournal(store, upload, content);
  }

  /** Undefined when nobody can go on with the upload: its head is gone or damaged, and its key with it. */
  static async open(store: JournalStore, upload: Uint8Array): Promise<UploadJournal | undefined> {
    const content = await read(store, upload, 'head', head);
    return content === undefined || content === 'damaged' ? undefined : new UploadJournal(store, upload, content);
  }

  /** Fingerprints of the frames of a stripe, 32 bytes each. `first` is the position of the first frame in the object. */
  fingerprints(first: number, frames: readonly Uint8Array[], last: boolean): Uint8Array {
    return concat(
      ...frames.map((frame, i) =>
        createHmac('sha256', this.#fingerprintKey)
          .update(u64(first + i))
          .update(Uint8Array.of(last && i === frames.length - 1 ? 1 : 0))
          .update(frame)
          .digest(),
      ),
    );
  }

  /** What an earlier run sealed at this stripe: nothing, the same plaintext, or another one (or nobody knows any more). */
  async compare(stripe: number, frames: Uint8Array, last: boolean): Promise<'new' | 'same' | 'changed'> {
    const before = await read(this.#store, this.upload, `sealed/${stripe}`, sealed);
    if (before === undefined) return 'new';
    if (before === 'damaged') return 'changed';
    return before.last === last && equalBytes(before.frames, frames) ? 'same' : 'changed';
  }

  async sealed(stripe: number, frames: Uint8Array, last: boolean): Promise<void> {
    await this.#store.put(this.upload, `sealed/${stripe}`, sealed.encode({ frames, last }));
  }

  async staged(stripe: number, content: StagedRecord): Promise<void> {
    await this.#store.put(this.upload, `staged/${stripe}`, staged.encode(content));
  }

  async readStaged(stripe: number): Promise<StagedRecord | undefined> {
    const record = await read(this.#store, this.upload, `staged/${stripe}`, staged);
    return record === 'damaged' ? undefined : record;
  }

  /** The commitments of these stripes are not to be relied on: whoever goes on commits anew. */
  async forgetStaged(first: number, count: number): Promise<void> {
    await this.#store.remove(
      this.upload,
      Array.from({ length: count }, (_, i) => `staged/${first + i}`),
    );
  }

  /** The holders drawn for a segment, by slot; an empty text is a slot that nobody could take. */
  async holders(index: number, slots: readonly string[]): Promise<void> {
    await this.#store.put(this.upload, `holders/${index}`, holders.encode({ slots }));
  }

  async readHolders(index: number): Promise<readonly string[] | undefined> {
    const record = await read(this.#store, this.upload, `holders/${index}`, holders);
    return record === 'damaged' ? undefined : record?.slots;
  }

  async segment(index: number, content: SegmentRecord): Promise<void> {
    await this.#store.put(this.upload, `segment/${index}`, segment.encode(content));
  }

  /** @throws Error when the record is gone: it was written by this very run */
  async readSegment(index: number): Promise<SegmentRecord> {
    const bytes = await this.#store.get(this.upload, `segment/${index}`);
    if (bytes === undefined) throw new Error(`segment ${index} has left the journal of its upload`);
    return segment.decode(bytes);
  }

  /** Durable before any holder is asked to sign. */
  async finalizing(content: FinalizingRecord): Promise<void> {
    await this.#store.put(this.upload, 'finalizing', finalizing.encode(content));
  }

  async drop(): Promise<void> {
    await this.#store.drop(this.upload);
  }
}

/** Undefined when no holder was asked to sign. Needs no head. */
export async function readFinalizing(store: JournalStore, upload: Uint8Array): Promise<FinalizingRecord | undefined> {
  const record = await read(store, upload, 'finalizing', finalizing);
  return record === 'damaged' ? undefined : record;
}

/** One damaged record must not keep a node from starting, nor other uploads from going on. */
async function read<T>(
  store: JournalStore,
  upload: Uint8Array,
  entry: string,
  codec: Codec<T>,
): Promise<T | 'damaged' | undefined> {
  try {
    const bytes = await store.get(upload, entry);
    return bytes && codec.decode(bytes);
  } catch (error) {
    if (error instanceof StructureError) return 'damaged';
    if (error instanceof CodedError && error.code === 'damaged-record') return 'damaged';
    throw error;
  }
}

import { concat, equalBytes, u64 } from '../../protocol/bytes.ts';
import {
  COMMITMENT_BYTES,
  HASH_BYTES,
  MAX_SHARDS_PER_CALL,
  PEER_KEY_BYTES,
  SIGNATURE_BYTES,
  UPLOAD_ID_BYTES,
} from '../../protocol/constants.ts';
import { fixedBytes, packed, timestamp } from '../../protocol/fields.ts';
import type { SignedClaim } from '../../protocol/stage-claim.ts';
import { structure } from '../../protocol/structure.ts';
import { type Metadata, Table } from './metadata.ts';
import type { Operation } from './write-queue.ts';

/** A wrong commitment that a holder signed: `isFalseClaim(claim, id, right)` tells anyone who has the shard. */
interface StoredEvidence {
  readonly claim: SignedClaim;
  /** The shard, by its hash. */
  readonly id: Uint8Array;
  /** What commits to it, 48 bytes. */
  readonly right: Uint8Array;
  /** Milliseconds since 1970. */
  readonly at: number;
}

type Row = SignedClaim & Omit<StoredEvidence, 'claim'>;

const codec = structure<Row>('evidence of a false claim', 32 * 1024, {
  upload: fixedBytes(UPLOAD_ID_BYTES),
  ids: packed(HASH_BYTES, MAX_SHARDS_PER_CALL, 1),
  commitments: packed(COMMITMENT_BYTES, MAX_SHARDS_PER_CALL, 1),
  holder: fixedBytes(PEER_KEY_BYTES),
  sig: fixedBytes(SIGNATURE_BYTES),
  id: fixedBytes(HASH_BYTES),
  right: fixedBytes(COMMITMENT_BYTES),
  at: timestamp,
});

/** Newest records kept: 32 MiB at most, from hundreds of holders. */
const DEFAULT_KEEP = 1024;
const TIME_BYTES = 8;

/** What holders signed that was not so, in the order of time; the oldest goes when there is too much. */
export class ClaimEvidenceStore {
  readonly #table: Table;
  readonly #keep: number;

  constructor(metadata: Metadata, keep = DEFAULT_KEEP) {
    this.#table = new Table(metadata, 'claimEvidence');
    this.#keep = keep;
  }

  /** What writes this evidence, and makes room for it: to be written in one batch with what it leads to. */
  async putting({ claim, id, right, at }: StoredEvidence): Promise<Operation[]> {
    const row = codec.encode({ ...claim, id, right, at });
    const operations = [this.#table.putting(concat(u64(at), claim.holder, id), row)];
    let newer = 1;
    for await (const key of this.#table.keys({ reverse: true })) {
      if (++newer > this.#keep) operations.push(this.#table.deleting(key));
    }
    return operations;
  }

  /** Newest first; of one holder when its public key is given. */
  async *list({ holder, signal }: { holder?: Uint8Array; signal?: AbortSignal } = {}): AsyncGenerator<StoredEvidence> {
    for await (const [key, bytes] of this.#table.entries({ reverse: true, signal })) {
      if (holder !== undefined && !equalBytes(key.subarray(TIME_BYTES, TIME_BYTES + PEER_KEY_BYTES), holder)) continue;
      const { id, right, at, ...claim } = codec.decode(bytes);
      yield { claim, id, right, at };
    }
  }
}

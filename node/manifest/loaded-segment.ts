import type { CID } from 'multiformats/cid';
import { listedCommitment } from '../../protocol/audit-set.ts';
import type { ErasureCode } from '../../protocol/code.ts';
import { COMMITMENT_BYTES } from '../../protocol/constants.ts';
import { shardPosition } from '../../protocol/geometry.ts';
import type { Root } from '../../protocol/manifest.ts';
import { type Segment, type StripeView, shardIdAt, stripeOf } from '../../protocol/segment.ts';

export interface LoadedSegmentParts {
  readonly rootCid: CID;
  readonly root: Root;
  readonly cid: CID;
  readonly segment: Segment;
  readonly code: ErasureCode;
}

/** What the objects around the bytes of one stripe take. */
const STRIPE_OVERHEAD_BYTES = 512;

/** A segment together with its root: the id and the commitment of each of its shards. */
export class LoadedSegment {
  readonly rootCid: CID;
  readonly root: Root;
  readonly cid: CID;
  readonly segment: Segment;
  readonly #code: ErasureCode;
  /** Derived parity commitments by stripe, 48·m bytes each, zero where unknown: used once per shard and audit. */
  readonly #parity = new Map<number, Uint8Array>();
  /** Those on their way, by index. */
  readonly #deriving = new Map<number, Promise<Uint8Array>>();

  constructor(parts: LoadedSegmentParts) {
    this.rootCid = parts.rootCid;
    this.root = parts.root;
    this.cid = parts.cid;
    this.segment = parts.segment;
    this.#code = parts.code;
  }

  /** Bytes it takes in memory at most, with all parity commitments derived. */
  get weight(): number {
    const { id, m } = this.root.code;
    const derived = STRIPE_OVERHEAD_BYTES + (id === 1 ? COMMITMENT_BYTES * m : 0);
    return this.segment.stripes.reduce((sum, { c, h }) => sum + c.length + h.length + derived, 0);
  }

  /** SHA-256 of the shard at `index`; undefined where the segment stores none. */
  shardId(index: number): Uint8Array | undefined {
    return shardIdAt(this.segment, this.root.code, index);
  }

  /**
   * Commitment of the shard at `index`, 48 bytes: as listed, or derived from those of the data (protocol v1 §2).
   * @throws RangeError where the segment stores no shard; what the code throws for commitments that are not points.
   */
  async commitment(index: number, signal?: AbortSignal): Promise<Uint8Array> {
    const { root, segment } = this;
    if (this.shardId(index) === undefined) throw new RangeError(`segment ${this.cid} stores no shard ${index}`);
    const listed = listedCommitment({ source: { segment, code: root.code }, index });
    if (listed !== undefined) return listed;
    signal?.throwIfAborted();
    return this.#parityAt(index);
  }

  /** Commitments that were derived wrongly must not stay. */
  forgetDerived(): void {
    this.#parity.clear();
  }

  /**
   * One at a time: a holder needs one commitment of a stripe, not all m. Without a signal: several callers share what
   * takes milliseconds.
   */
  async #parityAt(index: number): Promise<Uint8Array> {
    const { k, m } = this.root.code;
    const { stripe, position } = shardPosition(this.root.code, index);
    const known = this.#parity.get(stripe) ?? new Uint8Array(COMMITMENT_BYTES * m);
    this.#parity.set(stripe, known);
    const at = (position - k) * COMMITMENT_BYTES;
    const slot = known.subarray(at, at + COMMITMENT_BYTES);
    // No encoding of a point begins with a zero byte.
    if (slot[0] !== 0) return slot;
    const deriving = this.#deriving.get(index) ?? this.#derive(stripe, position - k);
    this.#deriving.set(index, deriving);
    try {
      slot.set(await deriving);
      return slot;
    } finally {
      // A failure must not stay as the answer for everybody after.
      this.#deriving.delete(index);
    }
  }

  async #derive(stripe: number, j: number): Promise<Uint8Array> {
    const { id, k, m } = this.root.code;
    if (this.#code.parityCommitment === undefined) throw new RangeError(`code ${id} lists its parity commitments`);
    const { commitments } = stripeOf(this.segment, this.root.code, stripe) as StripeView;
    return this.#code.parityCommitment(commitments, k, m, j);
  }
}

import type { CID } from 'multiformats/cid';
import { listedCommitment } from '../../protocol/audit-set.ts';
import { equalBytes } from '../../protocol/bytes.ts';
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

/** Derives the commitment of parity shard `j` from those of the data. */
export type ParityCommitment = NonNullable<ErasureCode['parityCommitment']>;

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
  /** Stripe → 1 for each that was derived surely. */
  readonly #sure = new Map<number, Uint8Array>();
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
    const derived = STRIPE_OVERHEAD_BYTES + (id === 1 ? (COMMITMENT_BYTES + 1) * m : 0);
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

  /** Whether nothing at these indices rests on the word of a fast kernel. */
  isSure(indices: readonly number[]): boolean {
    return indices.every((index) => {
      const { stripe, position } = shardPosition(this.root.code, index);
      return this.#isListed(index) || this.#sure.get(stripe)?.[position - this.root.code.k] === 1;
    });
  }

  /**
   * Derives the parity at these indices by what is not to be doubted, once for as long as this is kept. Where something had
   * been derived wrongly, whatever else was derived fast is forgotten. @throws what `derive` throws; the signal's reason
   */
  async makeSure(indices: readonly number[], derive: ParityCommitment, signal?: AbortSignal): Promise<void> {
    const { k, m } = this.root.code;
    let wrong = false;
    for (const index of indices) {
      if (this.isSure([index])) continue;
      signal?.throwIfAborted();
      const { stripe, position } = shardPosition(this.root.code, index);
      const { commitments } = stripeOf(this.segment, this.root.code, stripe) as StripeView;
      const derived = await derive(commitments, k, m, position - k, signal);
      const slot = this.#slot(stripe, position);
      wrong ||= slot[0] !== 0 && !equalBytes(slot, derived);
      slot.set(derived);
      const sure = this.#sure.get(stripe) ?? new Uint8Array(m);
      sure[position - k] = 1;
      this.#sure.set(stripe, sure);
    }
    if (wrong) this.#forgetUnsure();
  }

  #forgetUnsure(): void {
    for (const [stripe, known] of this.#parity) {
      const sure = this.#sure.get(stripe);
      for (let j = 0; j < this.root.code.m; j++) {
        if (sure?.[j] !== 1) known.fill(0, j * COMMITMENT_BYTES, (j + 1) * COMMITMENT_BYTES);
      }
    }
  }

  #isListed(index: number): boolean {
    return listedCommitment({ source: { segment: this.segment, code: this.root.code }, index }) !== undefined;
  }

  #slot(stripe: number, position: number): Uint8Array {
    const { k, m } = this.root.code;
    const known = this.#parity.get(stripe) ?? new Uint8Array(COMMITMENT_BYTES * m);
    this.#parity.set(stripe, known);
    const at = (position - k) * COMMITMENT_BYTES;
    return known.subarray(at, at + COMMITMENT_BYTES);
  }

  /**
   * One at a time: a holder needs one commitment of a stripe, not all m. Without a signal: several callers share what
   * takes milliseconds.
   */
  async #parityAt(index: number): Promise<Uint8Array> {
    const { stripe, position } = shardPosition(this.root.code, index);
    const slot = this.#slot(stripe, position);
    // No encoding of a point begins with a zero byte.
    if (slot[0] !== 0) return slot.slice();
    const deriving = this.#deriving.get(index) ?? this.#derive(stripe, position - this.root.code.k);
    this.#deriving.set(index, deriving);
    try {
      const derived = await deriving;
      // It may have been derived surely meanwhile.
      if (!this.isSure([index])) slot.set(derived);
      return slot.slice();
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

import type { CID } from 'multiformats/cid';
import { listedCommitment } from '../../protocol/audit-set.ts';
import { concat } from '../../protocol/bytes.ts';
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
  /** Derived parity commitments by stripe, 48·m bytes each: used once per shard and audit. */
  readonly #parity = new Map<number, Promise<Uint8Array>>();

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
    const { stripe, position } = shardPosition(root.code, index);
    signal?.throwIfAborted();
    const parity = await this.#parityOf(stripe);
    const at = (position - root.code.k) * COMMITMENT_BYTES;
    return parity.subarray(at, at + COMMITMENT_BYTES);
  }

  /** Without a signal: several callers share what takes milliseconds. */
  #parityOf(stripe: number): Promise<Uint8Array> {
    const known = this.#parity.get(stripe);
    if (known !== undefined) return known;
    const derived = this.#derive(stripe);
    this.#parity.set(stripe, derived);
    // A failure must not stay as the answer for everybody after.
    derived.catch(() => this.#parity.delete(stripe));
    return derived;
  }

  async #derive(stripe: number): Promise<Uint8Array> {
    const { id, k, m } = this.root.code;
    if (this.#code.parityCommitments === undefined) throw new RangeError(`code ${id} lists its parity commitments`);
    const { commitments } = stripeOf(this.segment, this.root.code, stripe) as StripeView;
    return concat(...(await this.#code.parityCommitments(commitments, k, m)));
  }
}

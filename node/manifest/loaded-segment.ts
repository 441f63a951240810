import type { CID } from 'multiformats/cid';
import { listedCommitment } from '../../protocol/audit-set.ts';
import type { ErasureCode } from '../../protocol/code.ts';
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

/** A segment together with its root: the id and the commitment of each of its shards. */
export class LoadedSegment {
  readonly rootCid: CID;
  readonly root: Root;
  readonly cid: CID;
  readonly segment: Segment;
  readonly #code: ErasureCode;
  /** Derived parity commitments by stripe: each is used once per shard and audit. */
  readonly #parity = new Map<number, Promise<readonly Uint8Array[]>>();

  constructor(parts: LoadedSegmentParts) {
    this.rootCid = parts.rootCid;
    this.root = parts.root;
    this.cid = parts.cid;
    this.segment = parts.segment;
    this.#code = parts.code;
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
    const view = stripeOf(segment, root.code, stripe) as StripeView;
    const parity = await this.#parityOf(stripe, view, signal);
    return parity[position - root.code.k] as Uint8Array;
  }

  #parityOf(stripe: number, view: StripeView, signal?: AbortSignal): Promise<readonly Uint8Array[]> {
    const known = this.#parity.get(stripe);
    if (known !== undefined) return known;
    const { id, k, m } = this.root.code;
    if (this.#code.parityCommitments === undefined) throw new RangeError(`code ${id} lists its parity commitments`);
    const derived = this.#code.parityCommitments(view.commitments, k, m, signal);
    this.#parity.set(stripe, derived);
    // A failure (an abort, say) must not stay as the answer for everybody after.
    derived.catch(() => this.#parity.delete(stripe));
    return derived;
  }
}

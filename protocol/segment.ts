import { malformed } from './cbor.ts';
import type { CodeParameters } from './code.ts';
import { COMMITMENT_BYTES, HASH_BYTES, MAX_CODE_WIDTH, MAX_NODE_BYTES, MAX_SEGMENT_DATA_SHARDS } from './constants.ts';
import { list, packed, record, uint } from './fields.ts';
import { shardPosition, stripesPerSegment } from './geometry.ts';
import { structure } from './structure.ts';

/** Shard indices of a segment are below this: 1,024 stripes of one data shard and 63 copies. */
export const MAX_SEGMENT_SHARDS = MAX_SEGMENT_DATA_SHARDS * MAX_CODE_WIDTH;

export interface SegmentStripe {
  /** Commitments, 48 bytes each: k′ of the data (code 2: and m of the parity; code 0: one). */
  readonly c: Uint8Array;
  /** SHA-256 of the shards, 32 bytes each: k′+m, data first (code 0: one). */
  readonly h: Uint8Array;
}

/** A list of stripes, in their order (protocol v1 §3). */
export interface Segment {
  /** Position among the segments of the root. */
  readonly i: number;
  readonly stripes: readonly SegmentStripe[];
}

/** One stripe with its lists taken apart. */
export interface StripeView {
  /** k′ */
  readonly dataCount: number;
  /** k′ commitments (code 2: k′+m). */
  readonly commitments: readonly Uint8Array[];
  /** k+m shard ids by position; undefined at k′ … k−1, which are never stored. */
  readonly hashes: readonly (Uint8Array | undefined)[];
}

const codec = structure<Segment>('segment', MAX_NODE_BYTES, {
  i: uint(MAX_NODE_BYTES),
  stripes: list(
    record<SegmentStripe>({
      c: packed(COMMITMENT_BYTES, MAX_CODE_WIDTH, 1),
      h: packed(HASH_BYTES, MAX_CODE_WIDTH, 1),
    }),
    MAX_SEGMENT_DATA_SHARDS,
    1,
  ),
});

/** @throws StructureError, also when the lengths are not those of the code. */
export function encodeSegment(segment: Segment, code: CodeParameters): Uint8Array {
  checkLengths(segment, code);
  return codec.encode(segment);
}

/** @throws StructureError, also when the lengths are not those of the code. */
export function decodeSegment(bytes: Uint8Array, code: CodeParameters): Segment {
  const segment = codec.decode(bytes);
  checkLengths(segment, code);
  return segment;
}

/** Data shards that a stripe lists: k′. Not a whole number in 1 … k when the lengths are not those of the code. */
function listedDataCount({ c }: SegmentStripe, { id, m }: CodeParameters): number {
  return c.length / COMMITMENT_BYTES - (id === 2 ? m : 0);
}

function checkLengths({ stripes }: Segment, code: CodeParameters): void {
  const { id, k, m } = code;
  const most = stripesPerSegment(code);
  if (stripes.length > most) throw malformed('segment', `${stripes.length} stripes, at most ${most} fit with k = ${k}`);
  for (const [s, stripe] of stripes.entries()) {
    const dataCount = listedDataCount(stripe, code);
    const least = s === stripes.length - 1 ? 1 : k;
    const hashes = id === 0 ? 1 : dataCount + m;
    if (!Number.isInteger(dataCount) || dataCount < least || dataCount > k || stripe.h.length !== HASH_BYTES * hashes) {
      throw malformed(
        'segment',
        `stripe ${s} has ${stripe.c.length} bytes of commitments and ${stripe.h.length} of hashes, which do not fit ${k}+${m}`,
      );
    }
  }
}

/** Takes stripe `s` apart; undefined when there is none. */
export function stripeOf(segment: Segment, code: CodeParameters, s: number): StripeView | undefined {
  const stripe = segment.stripes[s];
  if (stripe === undefined) return undefined;
  const ids = slices(stripe.h, HASH_BYTES);
  const hashes = Array.from({ length: code.k + code.m }, (_, j) => {
    const slot = hashSlot(stripe, code, j);
    return slot === undefined ? undefined : ids[slot];
  });
  return { dataCount: listedDataCount(stripe, code), commitments: slices(stripe.c, COMMITMENT_BYTES), hashes };
}

/** Id of the shard at an index of the segment; undefined where no shard is stored. */
export function shardIdAt(segment: Segment, code: CodeParameters, index: number): Uint8Array | undefined {
  const { stripe: s, position } = shardPosition(code, index);
  const stripe = segment.stripes[s];
  if (stripe === undefined) return undefined;
  const slot = hashSlot(stripe, code, position);
  return slot === undefined ? undefined : stripe.h.subarray(HASH_BYTES * slot, HASH_BYTES * (slot + 1));
}

/** All indices of the segment at which a shard is stored, ascending. */
export function storedIndices(segment: Segment, code: CodeParameters): number[] {
  const width = code.k + code.m;
  return segment.stripes.flatMap((stripe, s) => {
    const positions = Array.from({ length: width }, (_, j) => j).filter((j) => hashSlot(stripe, code, j) !== undefined);
    return positions.map((j) => s * width + j);
  });
}

function hashSlot(stripe: SegmentStripe, code: CodeParameters, position: number): number | undefined {
  if (code.id === 0) return 0;
  const dataCount = listedDataCount(stripe, code);
  if (position < dataCount) return position;
  return position < code.k ? undefined : dataCount + position - code.k;
}

function slices(bytes: Uint8Array, width: number): Uint8Array[] {
  return Array.from({ length: bytes.length / width }, (_, i) => bytes.subarray(width * i, width * (i + 1)));
}

import type { CodeParameters } from './code.ts';
import { MAX_SEGMENT_DATA_SHARDS, SHARD_BYTES } from './constants.ts';
import { frameCount } from './frame.ts';

/** What the layout of an object depends on (protocol v1 §1–3). */
export interface Layout {
  readonly payload: 'packed31' | 'raw4844';
  /** Bytes of the plaintext. */
  readonly size: number;
  readonly code: CodeParameters;
}

/** The stripes that one segment lists. */
export interface SegmentGeometry {
  readonly index: number;
  /** Position of the segment's first stripe in the object. */
  readonly firstStripe: number;
  readonly stripes: number;
  /** Data shards of the segment's last stripe, 1 … k; all others have k. */
  readonly lastDataCount: number;
  /** Data shards of the segment. */
  readonly dataShards: number;
}

/**
 * Data shards of the object: `max(1, ⌈size / 126,960⌉)` frames of one shard each, also without encryption;
 * raw blobs carry 131,072 bytes each: `max(1, ⌈size / 131,072⌉)`.
 */
export function dataShardCount({ payload, size }: Omit<Layout, 'code'>): number {
  return payload === 'raw4844' ? Math.max(1, Math.ceil(size / SHARD_BYTES)) : frameCount(size);
}

export function stripeCount(layout: Layout): number {
  return Math.ceil(dataShardCount(layout) / layout.code.k);
}

/** Stripes of a full segment: as many as 1,024 data shards hold. */
export function stripesPerSegment({ k }: Pick<CodeParameters, 'k'>): number {
  return Math.floor(MAX_SEGMENT_DATA_SHARDS / k);
}

export function segmentCount(layout: Layout): number {
  return Math.ceil(stripeCount(layout) / stripesPerSegment(layout.code));
}

/** @throws RangeError when the object has no such segment. */
export function stripeGeometry(layout: Layout, segmentIndex: number): SegmentGeometry {
  if (!Number.isSafeInteger(segmentIndex) || segmentIndex < 0 || segmentIndex >= segmentCount(layout)) {
    throw new RangeError(`the object has no segment ${segmentIndex}`);
  }
  const { k } = layout.code;
  const perSegment = stripesPerSegment(layout.code);
  const firstStripe = segmentIndex * perSegment;
  const stripes = Math.min(perSegment, stripeCount(layout) - firstStripe);
  const dataShards = Math.min(stripes * k, dataShardCount(layout) - firstStripe * k);
  return { index: segmentIndex, firstStripe, stripes, lastDataCount: dataShards - (stripes - 1) * k, dataShards };
}

/** Where a shard index of a segment lies: stripe s, position j, index = s·(k+m)+j. */
export function shardPosition(
  { k, m }: CodeParameters,
  index: number,
): { readonly stripe: number; readonly position: number } {
  return { stripe: Math.floor(index / (k + m)), position: index % (k + m) };
}

export function shardIndex({ k, m }: CodeParameters, stripe: number, position: number): number {
  return stripe * (k + m) + position;
}

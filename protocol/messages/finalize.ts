import { MAX_NODE_BYTES } from '../constants.ts';
import { bitmap, byteString, flag, list, optional, record } from '../fields.ts';
import { MAX_SEGMENT_SHARDS } from '../segment.ts';
import { MAX_SEGMENTS_PER_CALL } from '../status.ts';
import { MAX_RECEIPT_BYTES } from '../store-receipt.ts';
import { structure } from '../structure.ts';

export const MAX_FINALIZE_BYTES = 8 * 1024 * 1024;

export interface FinalizeSegment {
  /** The segment's bytes. */
  readonly node: Uint8Array;
  /** The shards of it that the holder shall sign for. */
  readonly indices: Uint8Array;
}

/**
 * Asks a holder to check and sign for staged shards (protocol v1 §4.4). Refusals: `not-held` with the missing
 * shards, `invalid-request` with those that do not fit their commitments, as one bitmap per segment.
 */
export interface FinalizeRequest {
  /** The root's bytes. */
  readonly root: Uint8Array;
  readonly segments: readonly FinalizeSegment[];
  /** Who repairs asks for a promise that ends; to others than the owner no other is given. Absent: without end. */
  readonly lease?: boolean;
}

export interface FinalizeResponse {
  /** One encoded store receipt per segment, in their order. */
  readonly receipts: readonly Uint8Array[];
}

export const finalizeRequest = structure<FinalizeRequest>(
  'finalize request',
  MAX_FINALIZE_BYTES,
  {
    root: byteString(MAX_NODE_BYTES, 1),
    segments: list(
      record<FinalizeSegment>({ node: byteString(MAX_NODE_BYTES, 1), indices: bitmap(MAX_SEGMENT_SHARDS) }),
      MAX_SEGMENTS_PER_CALL,
      1,
    ),
    lease: optional(flag),
  },
  ({ lease }) => (lease === false ? 'a lease is asked for, or not mentioned' : undefined),
);

export const finalizeResponse = structure<FinalizeResponse>('finalize response', MAX_FINALIZE_BYTES, {
  receipts: list(byteString(MAX_RECEIPT_BYTES, 1), MAX_SEGMENTS_PER_CALL, 1),
});

import type { CID } from 'multiformats/cid';
import { isSubsetOf } from './bitmap.ts';
import { HASH_BYTES, PEER_KEY_BYTES } from './constants.ts';
import { bitmap, fixedBytes, link, timestamp } from './fields.ts';
import { MAX_SEGMENT_SHARDS } from './segment.ts';
import type { Signer } from './signature.ts';
import { signedStructure } from './signed-structure.ts';

/** A bitmap of 8 KiB at most and fields of fixed width. */
export const MAX_RECEIPT_BYTES = 9 * 1024;

export interface UnsignedStoreReceipt {
  readonly network: Uint8Array;
  /** Public key of the peer that stores and signs. */
  readonly holder: Uint8Array;
  readonly owner: Uint8Array;
  readonly root: CID;
  readonly segment: CID;
  /** The shards of the segment that the holder answers for. */
  readonly indices: Uint8Array;
  readonly issuedAt: number;
  /** 0: until released. */
  readonly expiresAt: number;
}

/** A holder's promise to answer for shards of one segment (protocol v1 §4.4). */
export interface StoreReceipt extends UnsignedStoreReceipt {
  readonly sig: Uint8Array;
}

const codec = signedStructure<UnsignedStoreReceipt>({
  name: 'store receipt',
  tag: 'store-receipt',
  maxBytes: MAX_RECEIPT_BYTES,
  fields: {
    network: fixedBytes(HASH_BYTES),
    holder: fixedBytes(PEER_KEY_BYTES),
    owner: fixedBytes(PEER_KEY_BYTES),
    root: link('node'),
    segment: link('node'),
    indices: bitmap(MAX_SEGMENT_SHARDS),
    issuedAt: timestamp,
    expiresAt: timestamp,
  },
  signedBy: (receipt) => receipt.holder,
  check: ({ issuedAt, expiresAt }) =>
    expiresAt !== 0 && expiresAt <= issuedAt ? 'it expires before it was issued' : undefined,
});

/** @throws StructureError */
export function encodeStoreReceipt(receipt: StoreReceipt): Uint8Array {
  return codec.encode(receipt);
}

/** Checks everything but the signature. @throws StructureError */
export function decodeStoreReceipt(bytes: Uint8Array): StoreReceipt {
  return codec.decode(bytes);
}

/** @throws StructureError; RangeError when the signer is not the holder. */
export function signStoreReceipt(unsigned: UnsignedStoreReceipt, signer: Signer): StoreReceipt {
  return codec.sign(unsigned, signer);
}

export function verifyStoreReceipt(receipt: StoreReceipt): boolean {
  return codec.verify(receipt);
}

/** Whether the promise no longer binds at `at` (ms since 1970). */
export function isExpired({ expiresAt }: UnsignedStoreReceipt, at: number): boolean {
  return expiresAt !== 0 && at >= expiresAt;
}

/** Nobody signs away what it signed for: the receipt covers all that the other does, and ends no sooner. */
export function replaces(receipt: UnsignedStoreReceipt, before: UnsignedStoreReceipt): boolean {
  return isSubsetOf(before.indices, receipt.indices) && endOf(receipt) >= endOf(before);
}

function endOf({ expiresAt }: UnsignedStoreReceipt): number {
  return expiresAt === 0 ? Number.POSITIVE_INFINITY : expiresAt;
}

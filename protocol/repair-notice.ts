import type { CID } from 'multiformats/cid';
import { HASH_BYTES, MAX_SEGMENT_DATA_SHARDS, PEER_KEY_BYTES } from './constants.ts';
import { bitmap, fixedBytes, link, oneOf, timestamp } from './fields.ts';
import type { Signer } from './signature.ts';
import { signedStructure } from './signed-structure.ts';

export const MAX_REPAIR_NOTICE_BYTES = 4096;

/** A lease announces a repair, so that others hold off until it ends; done says that it has ended. */
export type RepairNoticeKind = 'lease' | 'done';

export interface UnsignedRepairNotice {
  readonly network: Uint8Array;
  /** Public key of the peer that repairs, and who signs. */
  readonly repairer: Uint8Array;
  readonly root: CID;
  readonly segment: CID;
  readonly kind: RepairNoticeKind;
  /** The stripes of the segment that it is about. */
  readonly stripes: Uint8Array;
  readonly issuedAt: number;
  /** When the lease ends; of a result, when the lease would have ended. */
  readonly expiresAt: number;
}

/** Gossip of a repair. Nobody has to believe it: what it says is looked at before anything is done about it. */
export interface RepairNotice extends UnsignedRepairNotice {
  readonly sig: Uint8Array;
}

const codec = signedStructure<UnsignedRepairNotice>({
  name: 'repair notice',
  tag: 'repair-notice',
  maxBytes: MAX_REPAIR_NOTICE_BYTES,
  fields: {
    network: fixedBytes(HASH_BYTES),
    repairer: fixedBytes(PEER_KEY_BYTES),
    root: link('node'),
    segment: link('node'),
    kind: oneOf('lease', 'done'),
    // A segment has at most as many stripes as data shards.
    stripes: bitmap(MAX_SEGMENT_DATA_SHARDS),
    issuedAt: timestamp,
    expiresAt: timestamp,
  },
  signedBy: (notice) => notice.repairer,
  check: ({ issuedAt, expiresAt }) => (expiresAt < issuedAt ? 'it ends before it begins' : undefined),
});

/** @throws StructureError */
export function encodeRepairNotice(notice: RepairNotice): Uint8Array {
  return codec.encode(notice);
}

/** Checks everything but the signature. @throws StructureError */
export function decodeRepairNotice(bytes: Uint8Array): RepairNotice {
  return codec.decode(bytes);
}

/** @throws StructureError; RangeError when the signer is not the repairer. */
export function signRepairNotice(unsigned: UnsignedRepairNotice, signer: Signer): RepairNotice {
  return codec.sign(unsigned, signer);
}

export function verifyRepairNotice(notice: RepairNotice): boolean {
  return codec.verify(notice);
}

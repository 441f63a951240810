import type { CID } from 'multiformats/cid';
import { concat, u32, u64 } from '../../protocol/bytes.ts';
import { HASH_BYTES } from '../../protocol/constants.ts';
import { CID_BYTES, cidAt, cidKey, peerAt, peerKey, u32At, u64At } from './key-codec.ts';
import type { ShardReference } from './shard-types.ts';

/** Numbered namespaces of the shard database: append only, a number is never used again. Rows without a value are keys only. */
export const SHARD_NAMESPACES = {
  /** 0 ‖ name → u32 version. */
  schema: 0,
  /** id → the shard's bytes; checked by the id itself. */
  bytes: 1,
  /** id: the shard is counted. Small, so that ids can be listed without touching the bytes. */
  present: 2,
  /** root ‖ segment ‖ u32 index ‖ id → owner. */
  reference: 3,
  /** id ‖ root ‖ segment ‖ u32 index: the same, found by shard. */
  referenceById: 4,
  /** segment ‖ root: which roots hold references in a segment. */
  segmentRoot: 5,
  /** id ‖ owner → upload 16 ‖ u64 staged at. */
  claim: 6,
  /** owner ‖ upload → u64 last traffic. */
  upload: 7,
  /** id → u64 noticed at: referenced, but its bytes are lost. */
  damaged: 8,
  /** empty → u64 shards ‖ u64 shards in the trash (absent: none); owner → u64 staged ‖ u64 stored shards. */
  counter: 9,
  /** id → u64 since when, by the clock of the trash: nothing holds the shard, its bytes stay for a while. */
  trash: 10,
  /** u64 since when ‖ id → empty, or u64 how far that clock came: the same, oldest first. */
  trashByTime: 11,
} as const;

const N = SHARD_NAMESPACES;
const key = (namespace: number, ...columns: Uint8Array[]): Uint8Array => concat(Uint8Array.of(namespace), ...columns);

export const namespacePrefix = (namespace: number): Uint8Array => Uint8Array.of(namespace);
export const bytesKey = (id: Uint8Array): Uint8Array => key(N.bytes, id);
export const presentKey = (id: Uint8Array): Uint8Array => key(N.present, id);
export const damagedKey = (id: Uint8Array): Uint8Array => key(N.damaged, id);
export const claimKey = (id: Uint8Array, owner: string): Uint8Array => key(N.claim, id, peerKey(owner));
export const claimPrefix = (id: Uint8Array): Uint8Array => key(N.claim, id);
export const uploadKey = (owner: string, upload: Uint8Array): Uint8Array => key(N.upload, peerKey(owner), upload);
export const trashKey = (id: Uint8Array): Uint8Array => key(N.trash, id);
export const trashByTimeKey = (at: number, id: Uint8Array): Uint8Array => key(N.trashByTime, u64(at), id);
export const totalKey = key(N.counter);
export const ownerCounterKey = (owner: string): Uint8Array => key(N.counter, peerKey(owner));

export const referenceKey = (root: CID, segment: CID, index: number, id: Uint8Array): Uint8Array =>
  key(N.reference, cidKey(root), cidKey(segment), u32(index), id);
export const referencePrefix = (root: CID, segment?: CID): Uint8Array =>
  segment === undefined ? key(N.reference, cidKey(root)) : key(N.reference, cidKey(root), cidKey(segment));
export const reverseKey = (id: Uint8Array, root: CID, segment: CID, index: number): Uint8Array =>
  key(N.referenceById, id, cidKey(root), cidKey(segment), u32(index));
export const reversePrefix = (id: Uint8Array): Uint8Array => key(N.referenceById, id);
export const segmentRootKey = (segment: CID, root: CID): Uint8Array =>
  key(N.segmentRoot, cidKey(segment), cidKey(root));
export const segmentRootPrefix = (segment: CID): Uint8Array => key(N.segmentRoot, cidKey(segment));

/** The shard id of keys that begin with it: bytes, present, referenceById, claim, damaged, trash. */
export const idOf = (stored: Uint8Array): Uint8Array => stored.slice(1, 1 + HASH_BYTES);
export const rootOfSegmentRoot = (stored: Uint8Array): CID => cidAt(stored, 1 + CID_BYTES);
export const claimOwner = (stored: Uint8Array): string => peerAt(stored, 1 + HASH_BYTES).peer;

const TIME_BYTES = 8;

export function parseTrashByTime(stored: Uint8Array): { at: number; id: Uint8Array } {
  return { at: u64At(stored, 1), id: stored.slice(1 + TIME_BYTES, 1 + TIME_BYTES + HASH_BYTES) };
}

export function parseReference(stored: Uint8Array): Omit<ShardReference, 'owner'> {
  const index = 1 + 2 * CID_BYTES;
  return {
    root: cidAt(stored, 1),
    segment: cidAt(stored, 1 + CID_BYTES),
    index: u32At(stored, index),
    id: stored.slice(index + 4, index + 4 + HASH_BYTES),
  };
}

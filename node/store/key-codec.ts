import { CID } from 'multiformats/cid';
import { concat } from '../../protocol/bytes.ts';
import type { KeyRange } from './database.ts';

/** CIDv1, one-byte codec, SHA-256: the only kind the protocol uses, so that keys have fixed columns. */
export const CID_BYTES = 36;
const SHA2_256 = 0x12;
const MAX_PEER_BYTES = 128;

/** The 36 bytes of a CID as a key column. @throws RangeError for a CID of another kind. */
export function cidKey(cid: CID): Uint8Array {
  if (cid.version !== 1 || cid.multihash.code !== SHA2_256 || cid.bytes.length !== CID_BYTES) {
    throw new RangeError(`${cid} is not a CIDv1 with SHA-256`);
  }
  return cid.bytes;
}

/** The CID at `offset` of a key, on bytes of its own. */
export function cidAt(key: Uint8Array, offset: number): CID {
  return CID.decode(key.slice(offset, offset + CID_BYTES));
}

/** A peer-id string as a key column: `u8 length ‖ bytes`, so that no peer is the prefix of another. */
export function peerKey(peer: string): Uint8Array {
  const text = new TextEncoder().encode(peer);
  if (text.length === 0 || text.length > MAX_PEER_BYTES)
    throw new RangeError(`a peer id has 1 to ${MAX_PEER_BYTES} bytes`);
  return concat(Uint8Array.of(text.length), text);
}

/** The peer-id string at `offset` of a key, and where it ends. */
export function peerAt(key: Uint8Array, offset: number): { peer: string; end: number } {
  const end = offset + 1 + (key[offset] ?? 0);
  return { peer: new TextDecoder().decode(key.subarray(offset + 1, end)), end };
}

export function u32At(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset);
}

/** An unsigned 8-byte integer that this node wrote from a safe integer. */
export function u64At(bytes: Uint8Array, offset: number): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(offset));
}

/** All keys that begin with `prefix`. */
export function prefixRange(prefix: Uint8Array): KeyRange {
  const end = prefix.slice();
  for (let i = end.length - 1; i >= 0; i--) {
    if ((end[i] as number) < 0xff) {
      end[i] = (end[i] as number) + 1;
      return { gte: prefix, lt: end.subarray(0, i + 1) };
    }
  }
  throw new RangeError('a prefix of 0xff bytes has no upper bound');
}

import { sha256 } from '@noble/hashes/sha2.js';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { equalBytes } from './bytes.ts';
import { malformed } from './cbor.ts';
import { HASH_BYTES } from './constants.ts';

/** `node`: a dag-cbor node of a manifest; `shard`: raw bytes of a shard. */
export type Codec = 'node' | 'shard';

const CODECS = { node: 0x71, shard: 0x55 } as const satisfies Record<Codec, number>;
const SHA2_256 = 0x12;
/** Version, codec, hash function and digest length take one byte each. */
const CID_BYTES = 4 + HASH_BYTES;
/** `b` and 36 bytes in base32. */
const CID_TEXT_LENGTH = 59;

/** CIDv1 with sha2-256 and the codec, in its only encoding of 36 bytes. */
export function isHoldfastCid(cid: CID, codec: Codec): boolean {
  const prefix = Uint8Array.of(1, CODECS[codec], SHA2_256, HASH_BYTES);
  return cid.bytes.length === CID_BYTES && equalBytes(cid.bytes.subarray(0, 4), prefix);
}

/** CID of a manifest node, root or segment, from its bytes; that of a root is the id of the object. */
export function nodeCid(bytes: Uint8Array): CID {
  return CID.createV1(CODECS.node, createDigest(SHA2_256, sha256(bytes)));
}

/** CID of a shard from its id, the SHA-256 of its 131,072 bytes. */
export function shardCid(id: Uint8Array): CID {
  if (id.length !== HASH_BYTES) throw malformed('shard id', `${id.length} bytes, but it takes ${HASH_BYTES}`);
  return CID.createV1(CODECS.shard, createDigest(SHA2_256, id));
}

/** Reads the text form of a manifest node's CID (`bafyrei…`). @throws StructureError */
export function parseCid(text: string): CID {
  if (text.length !== CID_TEXT_LENGTH)
    throw malformed('CID', `${text.length} characters, but it takes ${CID_TEXT_LENGTH}`);
  let cid: CID;
  try {
    cid = CID.parse(text);
  } catch (cause) {
    throw malformed('CID', 'it is not a CID', cause);
  }
  // Base32 leaves unused bits and letter cases open; one text per CID keeps links and map keys comparable.
  if (!isHoldfastCid(cid, 'node') || cid.toString() !== text)
    throw malformed('CID', 'it is not a CIDv1 (dag-cbor, sha2-256) in base32');
  return cid;
}

/** Sizes that every node agrees on. Units are in the names; the source is protocol version 1. */

/** One element of Fr, big-endian. */
export const FIELD_ELEMENT_BYTES = 32;
/** Elements of one shard: the size of an EIP-4844 blob. */
export const ELEMENTS_PER_SHARD = 4096;
/** One shard: 4,096 elements of 32 bytes. */
export const SHARD_BYTES = ELEMENTS_PER_SHARD * FIELD_ELEMENT_BYTES;
/** Payload bytes an element carries: 31, so that every element is below 2^248 < r. */
export const PAYLOAD_BYTES_PER_ELEMENT = 31;
/** Payload of one data shard. */
export const PAYLOAD_BYTES = ELEMENTS_PER_SHARD * PAYLOAD_BYTES_PER_ELEMENT;
/** AES-256-GCM tag. */
export const TAG_BYTES = 16;
/** Plaintext of one frame: payload less the tag, so that each shard decrypts alone. */
export const FRAME_BYTES = PAYLOAD_BYTES - TAG_BYTES;
/** A compressed G1 point: commitment or proof. */
export const COMMITMENT_BYTES = 48;
export const PROOF_BYTES = 48;
/** SHA-256 digests: shard ids, network ids. */
export const HASH_BYTES = 32;
export const PEER_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
export const FILE_KEY_BYTES = 32;
/** Identifies one upload at a holder; random. */
export const UPLOAD_ID_BYTES = 16;
/** Data shards listed by one segment node. */
export const MAX_SEGMENT_DATA_SHARDS = 1024;
/** A manifest node, root or segment. */
export const MAX_NODE_BYTES = 1024 * 1024;
/** k + m of one stripe. */
export const MAX_CODE_WIDTH = 64;
/** Shards of one `stage` or `fetch` call. */
export const MAX_SHARDS_PER_CALL = 256;
/** Shards one audit may cover: 2 GiB. */
export const MAX_AUDIT_SHARDS = 16_384;
/** A request or an answer of one audit. */
export const MAX_AUDIT_BYTES = 1024 * 1024;
/** Wall clocks of two peers may differ by this much. */
export const MAX_CLOCK_SKEW_MS = 120_000;

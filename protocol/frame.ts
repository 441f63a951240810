import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { FILE_KEY_BYTES, FRAME_BYTES, TAG_BYTES } from './constants.ts';
import { ContentError } from './content-error.ts';

/** AES-256-GCM with the 16-byte tag behind the ciphertext; handed in from `node/`. */
export interface Aead {
  /** `key` 32 bytes, `nonce` 12 bytes → ciphertext ‖ tag. */
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** @throws when the tag does not match. */
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array;
}

/** Half-open interval of bytes of the plaintext. */
export interface FrameRange {
  readonly offset: number;
  readonly length: number;
}

const NONCE_BYTES = 12;
const CONTENT_INFO = utf8ToBytes('HOLDFAST1/content');

/** `K_content = HKDF-SHA-256(K, salt = empty, info = "HOLDFAST1/content", 32 bytes)` (protocol v1 §1). */
export function contentKey(fileKey: Uint8Array): Uint8Array {
  if (fileKey.length !== FILE_KEY_BYTES) {
    throw new ContentError(
      { code: 'invalid-key', length: fileKey.length },
      `a file key has ${FILE_KEY_BYTES} bytes, this one has ${fileKey.length}: check the link`,
    );
  }
  return hkdf(sha256, fileKey, undefined, CONTENT_INFO, FILE_KEY_BYTES);
}

/** Frames of a plaintext: `max(1, ⌈size / 126,960⌉)`. One frame fills one data shard. */
export function frameCount(size: number): number {
  checkSize(size);
  return Math.max(1, framesBefore(size) + (size % FRAME_BYTES === 0 ? 0 : 1));
}

/** Where frame `i` lies in a plaintext of `size` bytes. */
export function frameRange(i: number, size: number): FrameRange {
  checkFrame(i, frameCount(size));
  const offset = i * FRAME_BYTES;
  return { offset, length: Math.min(FRAME_BYTES, size - offset) };
}

/** Bytes that frame `i` puts into its shard: its plaintext, and a tag when it is encrypted. */
export function payloadLength(i: number, size: number, cipher: 'aes-256-gcm' | 'none'): number {
  return frameRange(i, size).length + (cipher === 'none' ? 0 : TAG_BYTES);
}

/** `u64 i ‖ u24 0 ‖ u8 last`, 12 bytes: the last frame is marked, so that truncation cannot authenticate. */
export function frameNonce(i: number, last: boolean): Uint8Array {
  checkFrame(i, Number.MAX_SAFE_INTEGER);
  const nonce = new Uint8Array(NONCE_BYTES);
  new DataView(nonce.buffer).setBigUint64(0, BigInt(i));
  nonce[NONCE_BYTES - 1] = last ? 1 : 0;
  return nonce;
}

/** Seals frame `i` of `count` under the content key: the payload of its shard. */
export function sealFrame(aead: Aead, key: Uint8Array, i: number, count: number, plaintext: Uint8Array): Uint8Array {
  checkFrame(i, count);
  const last = i === count - 1;
  if (plaintext.length > FRAME_BYTES || (!last && plaintext.length < FRAME_BYTES)) {
    throw lengthError(i, FRAME_BYTES, plaintext.length);
  }
  return aead.seal(key, frameNonce(i, last), plaintext);
}

/** Opens frame `i` of `count`. @throws ContentError 'not-authentic' when the payload was altered, moved or cut. */
export function openFrame(aead: Aead, key: Uint8Array, i: number, count: number, sealed: Uint8Array): Uint8Array {
  checkFrame(i, count);
  const last = i === count - 1;
  const most = FRAME_BYTES + TAG_BYTES;
  if (sealed.length < TAG_BYTES || sealed.length > most || (!last && sealed.length < most)) {
    throw lengthError(i, most, sealed.length);
  }
  try {
    return aead.open(key, frameNonce(i, last), sealed);
  } catch (cause) {
    const message = `frame ${i} does not authenticate: the key is wrong or the data were altered`;
    throw new ContentError({ code: 'not-authentic', frame: i }, message, { cause });
  }
}

/** Whole frames before an offset. A quotient of large numbers rounds, so the remainder goes first. */
function framesBefore(offset: number): number {
  return (offset - (offset % FRAME_BYTES)) / FRAME_BYTES;
}

function checkSize(size: number): void {
  if (Number.isSafeInteger(size) && size >= 0) return;
  throw new ContentError({ code: 'invalid-size', size }, `${size} is not the size of an object in bytes`);
}

function checkFrame(i: number, count: number): void {
  if (Number.isSafeInteger(i) && i >= 0 && i < count) return;
  throw new ContentError({ code: 'invalid-frame', frame: i }, `there is no frame ${i} among ${count}`);
}

function lengthError(i: number, expected: number, length: number): ContentError {
  const type = { code: 'invalid-length', expected, length } as const;
  return new ContentError(
    type,
    `frame ${i} has ${length} bytes, a full one has ${expected} and only the last is shorter`,
  );
}

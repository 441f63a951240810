import { freeBuffer } from '../free-bytes.ts';

/** Yamux's header, before the bytes of a frame. */
const HEADER_BYTES = 12;
/** A buffer below this costs less than looking after it. */
const LEAST_BYTES = 4096;

/** Buffers that the encryption of connections made, each for one reader. */
const messages = new WeakSet<ArrayBufferLike>();
/** Buffers that sockets read into. */
const reads = new WeakSet<ArrayBufferLike>();

/** Remembers what encryption or decryption has made, so that `freeWritten` or `freeRead` may free it. */
export function remember(message: Iterable<Uint8Array>): void {
  for (const bytes of message) if (isWhole(bytes)) messages.add(bytes.buffer);
}

/** Remembers what a socket has read, so that `freeDecrypted` may free it. */
export function rememberRead(bytes: Uint8Array): void {
  if (isWhole(bytes)) reads.add(bytes.buffer);
}

/** Not a part of a pool. */
function isWhole({ buffer, byteLength }: Uint8Array): boolean {
  return byteLength >= LEAST_BYTES && byteLength === buffer.byteLength;
}

/** Frees ciphertext that the kernel has taken over. */
export function freeWritten({ buffer, byteLength }: Uint8Array): void {
  if (byteLength === buffer.byteLength && messages.delete(buffer)) freeBuffer(buffer);
}

/**
 * Frees the plaintext of a chunk whose bytes have been read, if nothing else is in its buffer: a chunk that begins at the
 * start of a message, behind its own header at most, and ends where the message ends.
 */
export function freeRead({ buffer, byteOffset, byteLength }: Uint8Array): void {
  if (byteOffset > HEADER_BYTES || byteOffset + byteLength !== buffer.byteLength) return;
  if (messages.delete(buffer)) freeBuffer(buffer);
}

/**
 * Frees what a socket has read, once the ciphertext in it is decrypted to other memory. Messages are decrypted in the order
 * in which they came: a chunk that reaches the end of its buffer is the last of it.
 */
export function freeDecrypted(ciphertext: Iterable<Uint8Array>): void {
  for (const { buffer, byteOffset, byteLength } of ciphertext) {
    if (byteOffset + byteLength === buffer.byteLength && reads.delete(buffer)) freeBuffer(buffer);
  }
}

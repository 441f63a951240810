import { freeBuffer } from '../free-bytes.ts';

/** Yamux's header, before the bytes of a frame. */
const HEADER_BYTES = 12;
/** A buffer below this costs less than looking after it. */
const LEAST_BYTES = 4096;

/** Buffers that the encryption of connections made, each for one reader. */
const messages = new WeakSet<ArrayBufferLike>();

/** Remembers what encryption or decryption has made, so that `freeWritten` or `freeRead` may free it. */
export function remember(message: Iterable<Uint8Array>): void {
  for (const { buffer } of message) if (buffer.byteLength >= LEAST_BYTES) messages.add(buffer);
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
 * Frees what a socket delivered, once the ciphertext in it is decrypted. Messages are decrypted in the order in which they
 * came: a chunk that reaches the end of its buffer is the last of it.
 */
export function freeDecrypted(ciphertext: Iterable<Uint8Array>): void {
  for (const { buffer, byteOffset, byteLength } of ciphertext) {
    const last = byteOffset + byteLength === buffer.byteLength;
    if (last && buffer.byteLength >= LEAST_BYTES && buffer.byteLength !== Buffer.poolSize) freeBuffer(buffer);
  }
}

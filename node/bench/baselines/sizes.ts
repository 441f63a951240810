import { randomBytes } from 'node:crypto';

/** A blob of 4,096 field elements, what one data shard carries of a file, and how many bytes of each an element has. */
export const BLOB_BYTES = 131_072;
export const PAYLOAD_BYTES = 126_976;
const ELEMENT_BYTES = 32;

/** Rates count millions of bytes, as disks and networks do. */
export const MEGABYTE = 1e6;

export const megabytesPerSecond = (bytes: number, milliseconds: number): number =>
  bytes / MEGABYTE / (milliseconds / 1000);

/** Random field elements below 2^248, as packed data shards have them. */
export function randomBlob(): Uint8Array {
  const blob = new Uint8Array(randomBytes(BLOB_BYTES));
  for (let i = 0; i < BLOB_BYTES; i += ELEMENT_BYTES) blob[i] = 0;
  return blob;
}

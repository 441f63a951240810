import { createHash } from 'node:crypto';
import { BLOB_BYTES, megabytesPerSecond, randomBlob } from './sizes.ts';

/** Megabytes a second of SHA-256 over blocks of 128 KiB on one thread. */
export function hashRate(blocks: number): number {
  const block = randomBlob();
  const start = performance.now();
  for (let i = 0; i < blocks; i++) createHash('sha256').update(block).digest();
  return megabytesPerSecond(blocks * BLOB_BYTES, performance.now() - start);
}

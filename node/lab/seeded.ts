import { type Cipheriv, createCipheriv, createHash } from 'node:crypto';
import type { RandomBytes } from '../random.ts';

const CHUNK_BYTES = 64 * 1024;
const NO_IV = new Uint8Array(16);

/** The key stream of AES-256-CTR under SHA-256(label, seed): the same for the same seed, otherwise like chance. */
function keyStream(seed: number, label: string): Cipheriv {
  const key = createHash('sha256').update(`holdfast lab ${label} ${seed}`).digest();
  return createCipheriv('aes-256-ctr', key, NO_IV);
}

/** Bytes that a seed decides; `label` keeps the uses of one seed apart. For labs: they are no secret. */
export function seededRandom(seed: number, label: string): RandomBytes {
  const stream = keyStream(seed, label);
  return (count) => new Uint8Array(stream.update(new Uint8Array(count)));
}

/** A file of `size` such bytes, in pieces; every call gives the same. */
export async function* seededFile(seed: number, label: string, size: number): AsyncGenerator<Uint8Array> {
  const random = seededRandom(seed, label);
  for (let left = size; left > 0; left -= CHUNK_BYTES) yield random(Math.min(left, CHUNK_BYTES));
}

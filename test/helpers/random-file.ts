import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

const CHUNK_BYTES = 1024 * 1024;

/** Writes a file of incompressible bytes. @returns its path */
export async function randomFile(path: string, bytes: number): Promise<string> {
  const file = await open(path, 'w');
  try {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, bytes));
    for (let left = bytes; left > 0; left -= chunk.length) {
      await file.writeFile(randomFillSync(chunk).subarray(0, left));
    }
  } finally {
    await file.close();
  }
  return path;
}

/** SHA-256 of a file, hex. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

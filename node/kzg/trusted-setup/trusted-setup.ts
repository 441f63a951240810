import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { KzgError } from '../engine.ts';

/** Of `g1-lagrange.bin`; a test compares the file with the one that c-kzg ships. */
const SHA256 = '000be46bb434946e041c7bc9757175591eb07bcdaff641ea6eca2552618dc39d';

const FILE = new URL('./g1-lagrange.bin', import.meta.url);

/**
 * The 4,096 points of Ethereum's trusted setup in Lagrange form, 48 bytes each, in the order of a blob's elements
 * (bit-reversed). @throws KzgError `backend-failed` when the file is missing or not the one that was published
 */
export async function trustedSetupPoints(): Promise<Uint8Array> {
  let points: Uint8Array;
  try {
    points = await readFile(FILE);
  } catch (cause) {
    throw new KzgError({ code: 'backend-failed' }, `the trusted setup cannot be read: ${FILE.pathname}`, { cause });
  }
  if (createHash('sha256').update(points).digest('hex') !== SHA256) {
    throw new KzgError(
      { code: 'backend-failed' },
      `the trusted setup is damaged: ${FILE.pathname} does not have the SHA-256 ${SHA256}; install the package again`,
    );
  }
  return points;
}

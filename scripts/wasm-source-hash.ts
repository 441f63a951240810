import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Name of the custom section that ties the binary to its source. */
export const SOURCE_HASH_SECTION = 'source-sha256';

/** SHA-256 over name and content of every C file in `folder`, in the order of their names; 32 bytes. */
export function wasmSourceHash(folder: string): Uint8Array {
  const hash = createHash('sha256');
  const names = readdirSync(folder).filter((name) => /\.[ch]$/.test(name));
  for (const name of names.sort()) {
    const content = readFileSync(join(folder, name));
    hash.update(`${name}\0${content.length}\0`).update(content);
  }
  return hash.digest();
}

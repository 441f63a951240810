import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Name of the custom section that ties the binary to its source. */
export const SOURCE_HASH_SECTION = 'source-sha256';

/** The folders of native/ that a WebAssembly binary may be made of. */
const SOURCE_FOLDERS = ['common', 'field', 'group', 'wasm'] as const;

/** SHA-256 over name and content of every C file in the folders, in the order of folders and names; 32 bytes. */
export function wasmSourceHash(native: string): Uint8Array {
  const hash = createHash('sha256');
  for (const folder of SOURCE_FOLDERS) {
    const names = readdirSync(join(native, folder)).filter((name) => /\.[ch]$/.test(name));
    for (const name of names.sort()) {
      const content = readFileSync(join(native, folder, name));
      hash.update(`${folder}/${name}\0${content.length}\0`).update(content);
    }
  }
  return hash.digest();
}

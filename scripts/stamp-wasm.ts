/** stamp-wasm.ts <in> <out>: appends the hash of native/ as a custom section (WebAssembly 3.0 §5.5.3). */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SOURCE_HASH_SECTION, wasmSourceHash } from './wasm-source-hash.ts';

const [input, output] = process.argv.slice(2);
if (input === undefined || output === undefined) throw new Error('usage: stamp-wasm.ts <in.wasm> <out.wasm>');

const name = Buffer.from(SOURCE_HASH_SECTION);
const payload = Buffer.concat([
  Buffer.from([name.length]),
  name,
  wasmSourceHash(join(import.meta.dirname, '../native')),
]);
if (payload.length > 127) throw new Error('the section needs a longer length prefix');
writeFileSync(output, Buffer.concat([readFileSync(input), Buffer.from([0, payload.length]), payload]));

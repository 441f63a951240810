/** Prints where c-kzg's copy of the blst sources is, relative to the package. Used by binding.gyp. */
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const library = dirname(realpathSync(createRequire(import.meta.url).resolve('c-kzg/package.json')));
console.log(relative(realpathSync(root), join(library, 'deps/blst')).replaceAll('\\', '/'));

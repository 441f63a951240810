import { fileURLToPath } from 'node:url';

/** Where node-gyp puts an addon, seen from the source tree and from `dist/`. */
export function builtFiles(name: string): string[] {
  return ['../../../build/Release/', '../../../../build/Release/'].map((folder) =>
    fileURLToPath(new URL(folder + name, import.meta.url)),
  );
}

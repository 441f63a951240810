import { readFileSync } from 'node:fs';

/** The version in the package.json above this folder, in the sources as in `dist/`. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

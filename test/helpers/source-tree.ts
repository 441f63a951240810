import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSource, type SourceFile } from './source-file.ts';

export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));

const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'coverage', 'build', '.git']);

/** Paths of all files of the repository, relative and with `/`, without what is installed or built. */
export function repositoryFiles(folder = repositoryRoot): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : repositoryFiles(path);
    return entry.isFile() ? [relative(repositoryRoot, path).split(sep).join('/')] : [];
  });
}

export function readRepositoryFile(path: string): string {
  return readFileSync(join(repositoryRoot, path), 'utf8');
}

export function sourceFiles(): SourceFile[] {
  return repositoryFiles()
    .filter((path) => /^(protocol|node|cli|test|scripts)\/.*\.ts$/.test(path))
    .map((path) => parseSource(path, readRepositoryFile(path)));
}
